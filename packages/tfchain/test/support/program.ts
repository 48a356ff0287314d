/** The chain as a program of its own, to be killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bytesToHex } from "@tfgrid/primitives";
import { runtime, testing } from "../../src/index.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
export const CHAIN_ID = "program-chain";
export const AUTHORITY = testing.testKey("authority");

export class Program {
  readonly folder = mkdtempSync(join(tmpdir(), "tfgrid-program-"));
  #child: ChildProcess | undefined;
  #port = 0;

  constructor(options: { readonly rich: readonly string[]; readonly blockIntervalMs?: number }) {
    const accounts = options.rich.map((name) => ({ id: testing.testKey(name).account, freeUnits: 10n ** 13n }));
    const genesis = runtime.defaultGenesis({
      chainId: CHAIN_ID,
      foundation: testing.testKey("foundation").account,
      validatorsPool: testing.testKey("validators").account,
      accounts,
    });
    writeFileSync(join(this.folder, "genesis.json"), JSON.stringify(runtime.genesisToJson(genesis)));
    writeFileSync(join(this.folder, "seed"), bytesToHex(AUTHORITY.secretSeed));
    this.#writeConfig(options.blockIntervalMs);
  }

  #writeConfig(blockIntervalMs = 10): void {
    const config = { dataDir: "data", genesisFile: "genesis.json", authoritySeedFile: "seed", port: this.#port, blockIntervalMs };
    writeFileSync(join(this.folder, "config.json"), JSON.stringify(config));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The second start listens on the port of the first, as a service does. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, "--config", join(this.folder, "config.json")], { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let log = "";
    child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString()));
      child.once("exit", (code) => reject(new Error(`the chain ended with ${code}: ${log}`)));
    });
    const { endpoints } = JSON.parse(line) as { endpoints: { rpc: string } };
    this.#port = Number(new URL(endpoints.rpc).port);
    this.#writeConfig();
  }

  /** Exit code, or the signal that ended it. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | string | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = new Promise<number | string | null>((resolve) => child.once("exit", (code, by) => resolve(code ?? by)));
    child.kill(signal);
    return ended;
  }

  async remove(): Promise<void> {
    await this.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
