import { constants } from "node:os";
import { fail } from "./errors.ts";

/** First real-time signal as programs see it: the C library keeps 32 and 33 for itself. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** `SIGTERM`, `TERM`, `SIGRTMIN+3`, `15` -> number. Unknown names fail instead of silently becoming SIGTERM. */
export function signalNumber(name: string): number {
  const text = name.toUpperCase().replace(/^SIG/, "");
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= SIGRTMAX) return Number(text);
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(text);
  if (realTime !== null) {
    const offset = Number(realTime[3] ?? 0) * (realTime[2] === "-" ? -1 : 1);
    const number = (realTime[1] === "MIN" ? SIGRTMIN : SIGRTMAX) + offset;
    if (number >= SIGRTMIN && number <= SIGRTMAX) return number;
  }
  const known = (constants.signals as Readonly<Record<string, number | undefined>>)[`SIG${text}`];
  if (known === undefined) throw fail("compute.invalid_mount", { message: `"${name}" is not a signal.`, details: { signal: name } });
  return known;
}
