/** One colour language for every state word of the ledger. Pure. */
export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

const TONES: Readonly<Record<string, Tone>> = {
  up: "good",
  running: "good",
  healthy: "good",
  created: "good",
  good: "good",
  degraded: "warn",
  unhealthy: "warn",
  restarting: "warn",
  grace: "warn",
  graceperiod: "warn",
  paused: "warn",
  cordon: "warn",
  drain: "warn",
  warn: "warn",
  down: "bad",
  failed: "bad",
  bad: "bad",
  proposed: "info",
  accepted: "info",
  deploying: "info",
  preparing: "info",
  waiting: "info",
  pulling: "info",
  starting: "info",
  info: "info",
};

export const toneOf = (state: string): Tone => TONES[state.toLowerCase()] ?? "quiet";

const WORDS: Readonly<Record<string, string>> = { graceperiod: "grace", created: "active", drain: "draining", cordon: "cordoned" };

/** The ledger's state as a word for people. */
export const stateWord = (state: string): string => WORDS[state.toLowerCase()] ?? state.toLowerCase();

/** What became of a node: one that sleeps by its farmer's wish is not lost. */
export const nodeWord = (status: "up" | "down" | "standby"): string => ({ up: "up", down: "lost", standby: "asleep" })[status];

/** The worst first: what a person wants to see at the top. */
const ORDER: readonly Tone[] = ["bad", "warn", "info", "good", "quiet"];
export const worstFirst = (a: string, b: string): number => ORDER.indexOf(toneOf(a)) - ORDER.indexOf(toneOf(b));
