/** Connects inside network namespaces through one helper process, started at the first test and again if it died. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Connection {
  readonly netnsPath: string;
  readonly address: string;
  readonly port: number;
  /** Sent after connecting; empty: connecting is all. */
  readonly request: string;
  readonly timeoutMs: number;
}

/** `data` is the beginning of the answer, empty when nothing was asked. */
export type ConnectionResult = { readonly ok: true; readonly data: string } | { readonly ok: false; readonly reason: string };

const SCRIPT = fileURLToPath(new URL("prober.pl", import.meta.url));
const SETNS_CALL: Readonly<Record<string, number>> = { x64: 308, arm64: 268, riscv64: 268 };

export class Prober {
  readonly #waiting = new Map<number, (result: ConnectionResult) => void>();
  #child: ChildProcess | undefined;
  #serial = 0;
  #output = "";

  connect(options: Connection): Promise<ConnectionResult> {
    const child = (this.#child ??= this.#spawn());
    this.#serial += 1;
    const id = this.#serial;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        child.stdin?.write(`cancel ${id}\n`);
        this.#settle(id, { ok: false, reason: `no answer within ${options.timeoutMs} ms` });
      }, options.timeoutMs);
      this.#waiting.set(id, (result) => {
        clearTimeout(timer);
        resolve(result);
      });
      const request = options.request === "" ? "-" : Buffer.from(options.request).toString("hex");
      child.stdin?.write(`${id} ${options.netnsPath} ${options.address} ${options.port} ${request}\n`);
    });
  }

  close(): void {
    this.#child?.stdin?.end();
    this.#child = undefined;
  }

  #spawn(): ChildProcess {
    const child = spawn("perl", [SCRIPT, String(SETNS_CALL[process.arch] ?? -1)], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { LC_ALL: "C" },
    });
    // The agent may end without asking it: then it reads the end of its input and ends too.
    child.unref();
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref?: () => void }).unref?.();
    const lost = (): void => this.#lost(child);
    child.once("error", lost);
    child.once("exit", lost);
    child.stdin.on("error", lost);
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => this.#read(chunk));
    return child;
  }

  #read(chunk: string): void {
    const lines = (this.#output + chunk).split("\n");
    this.#output = lines.pop() ?? "";
    for (const line of lines) {
      const [, id, kind, rest = ""] = /^(\d+) (\w+) ?(.*)$/.exec(line) ?? [];
      const data = rest === "-" ? "" : Buffer.from(rest, "hex").toString("latin1");
      this.#settle(Number(id), kind === "error" ? { ok: false, reason: rest } : { ok: true, data: kind === "data" ? data : "" });
    }
  }

  #settle(id: number, result: ConnectionResult): void {
    this.#waiting.get(id)?.(result);
    this.#waiting.delete(id);
  }

  #lost(child: ChildProcess): void {
    if (this.#child !== child && this.#child !== undefined) return;
    this.#child = undefined;
    this.#output = "";
    for (const id of this.#waiting.keys())
      this.#settle(id, { ok: false, reason: "the helper for health tests ended; the next test starts it again" });
  }
}
