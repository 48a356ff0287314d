/** A chain of validators as it is run: a machine, a program and a folder each. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Hex, type KeyPair, keyPairFromSeed, sha256, systemClock, utf8 } from "@tfgrid/primitives";
import { type ChainAccess, PACES, askToJoin, light, newChain, runtime, testing } from "../../src/index.ts";
import { httpTransport } from "../../src/client/transport.ts";
import { POLICIES } from "../../src/runtime/genesis.ts";
import { type Machine, Stage } from "./stage.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const RPC_PORT = 8545;
const P2P_PORT = 26_656;
const COMET_RPC_PORT = 26_657;
/** Small, so that there is one soon. */
const SNAPSHOT_BLOCKS = 10;
const START_MS = 120_000;

export interface Validator {
  readonly name: string;
  readonly machine: Machine;
  readonly server: newChain.CometServer;
  readonly url: string;
  readonly log: string;
}

export interface Block {
  readonly height: number;
  readonly hash: Hex;
  readonly appHash: Hex;
}

const seed = (what: string): Uint8Array => sha256(utf8(`tfgrid test ${what}`));

export class ValidatorNet {
  readonly folder = mkdtempSync("/var/tmp/tfgrid-validators-");
  readonly stage = new Stage();
  readonly chainId = "validators-test";
  readonly validators: Validator[] = [];
  readonly genesis: ReturnType<typeof runtime.defaultGenesis>;
  readonly #timeMs = Date.now();
  readonly #children = new Map<string, ChildProcess>();

  constructor(options: { readonly count: number; readonly rich: readonly KeyPair[] }) {
    const names = Array.from({ length: options.count }, (_, index) => `v${index + 1}`);
    this.genesis = runtime.defaultGenesis({
      chainId: this.chainId,
      foundation: testing.testKey("foundation").account,
      validatorsPool: testing.testKey("pool").account,
      accounts: options.rich.map(({ account }) => ({ id: account, freeUnits: 10n ** 13n })),
      policy: { governance: { ...POLICIES.local.governance, votingMs: 4_000, timeLockMs: 1_000 } },
      validators: names.map((name) => ({ publicKey: keyPairFromSeed(seed(`validator ${name}`)).account, power: 10 })),
    });
    try {
      this.validators.push(...names.map((name) => this.#lay(name)));
      for (const { server } of this.validators) this.#write(server);
    } catch (error) {
      this.#clean();
      throw error;
    }
  }

  #clean(): void {
    this.stage.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What clients know beforehand. */
  get access(): ChainAccess {
    return { urls: this.validators.map(({ url }) => url), trust: newChain.trustInValidators(this.chainId, this.genesis.validators ?? []) };
  }

  #lay(name: string): Validator {
    const machine = this.stage.add(name);
    const host = machine.address;
    const server = { folder: join(this.folder, name), host, rpcPort: RPC_PORT, p2pPort: P2P_PORT, cometRpcPort: COMET_RPC_PORT, snapshotBlocks: SNAPSHOT_BLOCKS, validatorSeed: seed(`validator ${name}`), nodeSeed: seed(`node ${name}`) };
    return { name, machine, server, url: `http://${host}:${RPC_PORT}`, log: join(this.folder, `${name}.log`) };
  }

  #write(server: newChain.CometServer): void {
    mkdirSync(server.folder, { recursive: true });
    const peers = this.validators.map((other) => newChain.peerOf(other.server));
    newChain.writeCometServer({ server, genesis: this.genesis, timeMs: this.#timeMs, peers, pace: PACES.local });
  }

  /** A server on a machine of its own that is no validator yet, as `tfgrid chain join` makes it: from what the others tell. */
  async join(name: string): Promise<Validator> {
    const [first = "", ...more] = this.access.urls;
    const { genesis, genesisTimeMs, peers, stateSync } = await askToJoin({ urls: [first, ...more], trust: this.access.trust, clock: systemClock });
    const joining = this.#lay(name);
    newChain.writeCometServer({ server: joining.server, genesis, timeMs: genesisTimeMs, peers, pace: PACES.local, stateSync });
    return joining;
  }

  /** With which it signs blocks, if it is a validator. */
  keyOf({ server }: Validator): KeyPair {
    return keyPairFromSeed(server.validatorSeed);
  }

  at(index: number): Validator {
    const found = this.validators[index];
    if (found === undefined) throw new Error(`there is no validator ${index}`);
    return found;
  }

  /** Resolves when it serves. */
  async start(validator: Validator): Promise<void> {
    const log = openSync(validator.log, "a");
    const [program = "", ...prefix] = this.stage.on(validator.machine);
    const config = join(validator.server.folder, newChain.CONFIG_FILE);
    const child = spawn(program, [...prefix, process.execPath, MAIN, "--config", config], { stdio: ["ignore", "pipe", log] });
    this.#children.set(validator.name, child);
    const told = (): string => readFileSync(validator.log, "utf8").slice(-2_000);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${validator.name} does not serve: ${told()}`)), START_MS);
      child.stdout?.once("data", () => resolve());
      child.once("exit", (code, signal) => reject(new Error(`${validator.name} ended with ${code ?? signal}: ${told()}`)));
      child.once("error", reject);
      child.once("exit", () => clearTimeout(timer));
      child.stdout?.once("data", () => clearTimeout(timer));
    });
  }

  /** Everything on the machines at once, as when their power fails. */
  async kill(...validators: readonly Validator[]): Promise<void> {
    const ended = validators.map(async ({ name }) => {
      const child = this.#children.get(name);
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      await new Promise((resolve) => child.once("exit", resolve));
    });
    const pids = validators.flatMap(({ machine }) => execFileSync("ip", ["netns", "pids", machine.netns], { encoding: "utf8" }).split("\n").filter(Boolean).map(Number));
    for (const pid of pids) killPid(pid);
    await Promise.all(ended);
  }

  async blockAt({ url }: Validator, height: number): Promise<Block> {
    const block = await httpTransport(url).call("block.get", { height: height as never });
    const { hash, appHash } = light.factsOf(block.signedHeader);
    return { height, hash, appHash };
  }

  async remove(): Promise<void> {
    await this.kill(...this.validators);
    this.#clean();
  }
}

function killPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
