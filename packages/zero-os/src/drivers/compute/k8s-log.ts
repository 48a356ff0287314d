/** conmon's `k8s-file` format: `2026-01-02T03:04:05.123456789+00:00 stdout F text`; P marks a part of a longer line. */
import { open, stat } from "node:fs/promises";
import type { Clock } from "@tfgrid/primitives";
import type { LogLine } from "../../ports.ts";
import { isAbsent } from "./files.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";

/** Text in, whole lines out; keeps what is not finished yet. */
export class K8sLogParser {
  #rest = "";
  readonly #parts = new Map<LogLine["stream"], LogLine>();

  push(text: string): LogLine[] {
    const rows = (this.#rest + text).split("\n");
    this.#rest = rows.pop() ?? "";
    return rows.map((row) => this.#row(row)).filter((line) => line !== undefined);
  }

  /** What was written without a line feed after it. */
  flush(): LogLine[] {
    const lines = [...this.#parts.values()];
    this.#parts.clear();
    return lines;
  }

  #row(row: string): LogLine | undefined {
    const match = /^(\S+) (stdout|stderr) ([FP])(?: (.*))?$/s.exec(row);
    if (match === null) return undefined;
    const [, time = "", name, kind, text = ""] = match;
    const stream = name as LogLine["stream"];
    const before = this.#parts.get(stream);
    // Nanoseconds are more than a date takes.
    const timeMs = before?.timeMs ?? (Date.parse(time.replace(/(\.\d{3})\d+/, "$1")) || 0);
    const line = { timeMs, stream, text: ((before?.text ?? "") + text).slice(0, L.logLineBytes) };
    if (kind === "F") {
      this.#parts.delete(stream);
      return line;
    }
    this.#parts.set(stream, line);
    return undefined;
  }
}

export interface ReadLogOptions {
  readonly tail: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Asked when nothing more is there to read: false ends a followed log. */
  readonly mayGrow: () => Promise<boolean>;
}

export async function* readLog(path: string, options: ReadLogOptions): AsyncIterable<LogLine> {
  const reader = new LogReader(path);
  const past: LogLine[] = [];
  const tail = Math.min(options.tail, L.logTailLines);
  for (let lines = await reader.next(); lines !== undefined; lines = await reader.next()) {
    past.push(...lines);
    if (past.length > 2 * tail) past.splice(0, past.length - tail);
  }
  if (!options.follow) past.push(...reader.unfinished());
  if (tail > 0) yield* past.slice(-tail);
  while (options.follow && !options.signal.aborted) {
    const growing = await options.mayGrow();
    for (let lines = await reader.next(); lines !== undefined; lines = await reader.next()) yield* lines;
    if (!growing) {
      yield* reader.unfinished();
      break;
    }
    await pause(options);
  }
}

async function pause(options: ReadLogOptions): Promise<void> {
  try {
    await options.clock.sleep(L.followPollMs / 4, options.signal);
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
}

const CHUNK_BYTES = 256 * 1024;

/** Reads on where it stopped; starts at 0 again when conmon began a new file because the old one was full. */
class LogReader {
  readonly #path: string;
  #inode = 0;
  #offset = 0;
  #parser = new K8sLogParser();
  #decoder = new TextDecoder();

  constructor(path: string) {
    this.#path = path;
  }

  /** The next lines; undefined at the present end. */
  async next(): Promise<LogLine[] | undefined> {
    const bytes = await this.#read();
    return bytes.length === 0 ? undefined : this.#parser.push(this.#decoder.decode(bytes, { stream: true }));
  }

  unfinished(): LogLine[] {
    return this.#parser.flush();
  }

  async #read(): Promise<Uint8Array> {
    try {
      const status = await stat(this.#path);
      if (status.ino !== this.#inode || status.size < this.#offset) {
        this.#inode = status.ino;
        this.#offset = 0;
        this.#parser = new K8sLogParser();
        this.#decoder = new TextDecoder();
      }
      if (status.size === this.#offset) return new Uint8Array();
      const file = await open(this.#path, "r");
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, this.#offset);
        this.#offset += bytesRead;
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsent(error)) return new Uint8Array();
      throw error;
    }
  }
}
