/** The outside world as values that are passed in: the pure core never reaches for these itself. */

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Resolves after `delayMs`, or rejects with the signal's reason when it is aborted first. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Entropy {
  randomBytes(length: number): Uint8Array;
}

/** Structured log lines; `fields` are JSON-safe. Secrets never go in. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

export type LogFields = Readonly<Record<string, unknown>>;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};

export const systemEntropy: Entropy = {
  randomBytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)),
};

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40 } as const;
export type LogLevel = keyof typeof LEVELS;

/** One JSON object a line; `write` is usually `process.stderr.write` or an append to a file. */
export function jsonLogger(options: {
  readonly write: (line: string) => void;
  readonly level?: LogLevel;
  readonly fields?: LogFields;
  readonly clock?: Clock;
}): Logger {
  const { write, level = "info", fields = {}, clock = systemClock } = options;
  const at =
    (lineLevel: LogLevel) =>
    (message: string, extra: LogFields = {}): void => {
      if (LEVELS[lineLevel] < LEVELS[level]) return;
      const entry = { time: new Date(clock.nowMs()).toISOString(), level: lineLevel, message, ...fields, ...extra };
      write(`${JSON.stringify(entry, (_key, value: unknown) => logValue(value))}\n`);
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (more) => jsonLogger({ ...options, fields: { ...fields, ...more } }),
  };
}

function logValue(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code;
    return { error: value.message, ...(code === undefined ? {} : { code }), ...(value.cause === undefined ? {} : { cause: value.cause }) };
  }
  return value;
}
