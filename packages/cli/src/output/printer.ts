/** One way out for every command: text for people or one JSON value for programs; errors with code and cure. */
import { type WireError, isGridError, messageOf } from "@tfgrid/primitives";
import { cliErrors } from "../errors.ts";
import { paint } from "./terminal.ts";

export interface Printer {
  readonly json: boolean;
  /** The command's result: `value` with --json, `text` otherwise. */
  result(value: unknown, text: () => string): void;
  /** One line of a stream (events, logs): a JSON line with --json. */
  line(value: unknown, text: string): void;
  /** Progress for people; silent with --json, always on standard error. */
  readonly progress: (text: string) => void;
}

export const toJsonText = (value: unknown, indent?: number): string => JSON.stringify(value, (_key, entry: unknown) => (typeof entry === "bigint" ? entry.toString() : entry), indent);

export function createPrinter(json: boolean): Printer {
  const out = (text: string): void => void process.stdout.write(`${text}\n`);
  return {
    json,
    result: (value, text) => out(json ? toJsonText(value, 2) : text()),
    line: (value, text) => out(json ? toJsonText(value) : text),
    progress: (text) => {
      if (!json) process.stderr.write(`${text}\n`);
    },
  };
}

/** Programmer errors keep their stack; operating errors say what happened and what to do next. */
export function printError(error: unknown, json: boolean): void {
  const wire: WireError = (isGridError(error) ? error : cliErrors.fail("cli.unexpected", { message: messageOf(error) })).toWire();
  if (json) {
    process.stdout.write(`${toJsonText({ error: wire }, 2)}\n`);
    return;
  }
  const red = paint("red", "error", process.stderr);
  process.stderr.write(`${red} ${wire.code}: ${wire.message}\n`);
  for (let cause = (error as Error).cause; cause instanceof Error; cause = cause.cause) process.stderr.write(`      because: ${cause.message}\n`);
  process.stderr.write(`      ${paint("cyan", "next", process.stderr)}: ${wire.cure}\n`);
  if (!isGridError(error) && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
}
