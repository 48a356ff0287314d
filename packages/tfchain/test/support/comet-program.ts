/** A chain under CometBFT with one validator, as a program of its own: to be killed and started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sha256, utf8 } from "@tfgrid/primitives";
import { ensureCometBft, genesisHashOf, runtime, testing } from "../../src/index.ts";
import { cometHome, writeHome } from "../../src/engines/cometbft/home.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
export const COMET_CHAIN_ID = "comet-chain";
const VALIDATOR = testing.testKey("validator");

export class CometProgram {
  readonly folder = mkdtempSync(join(tmpdir(), "tfgrid-comet-"));
  readonly genesis;
  readonly genesisTimeMs = Date.now();
  #child: ChildProcess | undefined;
  #port = 0;

  constructor(options: { readonly rich: readonly string[] }) {
    this.genesis = runtime.defaultGenesis({
      chainId: COMET_CHAIN_ID,
      foundation: testing.testKey("foundation").account,
      validatorsPool: testing.testKey("validators").account,
      accounts: options.rich.map((name) => ({ id: testing.testKey(name).account, freeUnits: 10n ** 13n })),
      validators: [{ publicKey: VALIDATOR.account, power: 10 }],
    });
    this.changeGenesis(this.genesis);
  }

  /** Of the ledger; cometbft's stays. */
  changeGenesis(genesis: runtime.Genesis): void {
    writeFileSync(join(this.folder, "genesis.json"), JSON.stringify(runtime.genesisToJson(genesis)));
  }

  async prepare(): Promise<void> {
    const genesisHash = genesisHashOf(runtime.genesisToJson(this.genesis), "cometbft");
    const genesis = { chainId: COMET_CHAIN_ID, genesisHash, timeMs: this.genesisTimeMs, validators: this.genesis.validators ?? [] };
    const settings = { p2pListen: `tcp://127.0.0.1:${await freePort()}`, peers: [], pace: { commitMs: 20, proposeMs: 500, voteMs: 200, idleMs: 20 } };
    writeHome(join(this.folder, "comet"), cometHome({ genesis, validatorSeed: VALIDATOR.secretSeed, nodeSeed: sha256(utf8("tfgrid test node")), settings }));
    this.#writeConfig();
  }

  #writeConfig(): void {
    const config = { dataDir: "data", genesisFile: "genesis.json", port: this.#port, engine: { kind: "cometbft", home: "comet" } };
    writeFileSync(join(this.folder, "config.json"), JSON.stringify(config));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? Number.NaN;
  }

  get cometPid(): number {
    return Number(readFileSync(join(this.folder, "comet/cometbft.pid"), "utf8"));
  }

  /** The second start listens on the port of the first, as a service does. */
  async start(): Promise<void> {
    await ensureCometBft();
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

  /** How it ends by itself: exit code, or the signal. */
  ended(): Promise<number | string | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child?.exitCode ?? child?.signalCode ?? null);
    return new Promise((resolve) => child.once("exit", (code, by) => resolve(code ?? by)));
  }

  /** Exit code, or the signal that ended it. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | string | null> {
    const ended = this.ended();
    this.#child?.kill(signal);
    return ended;
  }

  async remove(): Promise<void> {
    await this.end("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
