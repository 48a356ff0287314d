/**
 * A ledger of many nodes and contracts on LMDB, for the benches of its size and of its load. It is grown by transactions, with a clock
 * that is moved by hand, so that contracts fall due evenly over one settlement interval. `--folder PATH` keeps it there: whoever
 * names the folder again works on a copy of what it holds, instead of growing it for minutes.
 */
import { closeSync, copyFileSync, constants, existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Clock, cidOf, systemClock, utf8 } from "@tfgrid/primitives";
import { type Call, type RunningChain, runtime, startChain, testing } from "@tfgrid/tfchain";
import { type Sender, SMALL, benchGenesis, createFarm, createTwin, heartbeat, registerNode, sender, signTx } from "./ledger.ts";

export const say = (text: string): void => void process.stderr.write(`${text}\n`);

const OWNERS = 100;
/** Contracts of one transaction, which is a block of its own: about as many as fall due between two blocks that bill. */
const PER_TX = 250;
export const HEARTBEAT_MS = 600_000;
/** ms between two bills: 278 a second. */
const BILL_EVERY_MS = 3.6;
/** So far ahead of all other clocks is the ledger's: nothing falls due while a program is measured that takes the system's. */
const AHEAD_MS = 24 * 3_600_000;

/** By hand until it is let go; never back. */
export class BenchClock implements Clock {
  readonly sleep: Clock["sleep"] = (ms, signal) => systemClock.sleep(ms, signal);
  #atMs: number;
  #since: number | undefined;

  constructor(atMs: number) {
    this.#atMs = atMs;
  }

  readonly nowMs = (): number => Math.floor(this.#since === undefined ? this.#atMs : this.#atMs + performance.now() - this.#since);

  advance(ms: number): void {
    this.#atMs += ms;
  }

  letGo(): void {
    this.#since = performance.now();
  }
}

export async function submit(chain: RunningChain, by: Sender, calls: readonly Call[]): Promise<void> {
  const { ok, error } = await chain.engine.submit(signTx(by, calls));
  if (!ok) throw new Error(JSON.stringify(error));
}

/** In pieces, so that the mempool has room. */
export async function each<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += 1_000) await Promise.all(items.slice(from, from + 1_000).map((item, index) => run(item, from + index)));
}

interface Description {
  readonly contracts: number;
  readonly nodes: number;
  /** The ledger's time. */
  readonly timeMs: number;
  readonly genesis: unknown;
  /** Of its growth. */
  readonly figures: readonly (readonly [string, string])[];
}

export interface GrowOptions {
  readonly contracts: number;
  readonly nodes: number;
  /** Asked at each of these sizes, in between; what it answers are figures of the growth. */
  readonly sizes?: readonly number[];
  readonly atSize?: (ledger: GrownLedger, size: number, contractsPerSecond: number) => Promise<readonly [string, string]>;
}

export class GrownLedger {
  readonly farmer = sender("farmer");
  readonly authority = testing.testKey("authority");
  readonly machines: readonly Sender[];
  readonly owners: readonly Sender[];
  readonly genesis: runtime.Genesis;
  readonly dataDir: string;
  readonly clock: BenchClock;
  readonly nodeIds = new Map<Sender, number>();
  made = 0;
  #chain: RunningChain | undefined;

  constructor(folder: string, description: Pick<Description, "contracts" | "nodes" | "timeMs"> & { readonly genesis?: unknown }) {
    const { contracts, nodes, timeMs, genesis } = description;
    this.machines = Array.from({ length: nodes }, (_, index) => sender(`node ${index}`));
    this.owners = Array.from({ length: OWNERS }, (_, index) => sender(`owner ${index}`));
    this.clock = new BenchClock(timeMs);
    this.dataDir = join(folder, "data");
    const settlementIntervalMs = Math.round(contracts * BILL_EVERY_MS);
    const params = { maxCallsPerTx: 256, heartbeatIntervalMs: HEARTBEAT_MS, settlementIntervalMs };
    this.genesis = genesis === undefined ? benchGenesis([this.farmer, ...this.machines, ...this.owners], { params }) : runtime.parseGenesis(genesis);
  }

  /** Running while it grows. */
  get chain(): RunningChain {
    if (this.#chain === undefined) throw new Error("the ledger is not running");
    return this.#chain;
  }

  start(options: { readonly blockIntervalMs?: number } = {}): Promise<RunningChain> {
    const { dataDir, genesis, authority, clock } = this;
    return startChain({ dataDir, genesis, authority, clock, ...options });
  }

  /** Numbers of nodes, and of everybody's next transaction, as the ledger has them. */
  readAccounts(chain: RunningChain): void {
    const read = runtime.queries(chain.engine.state);
    for (const one of [this.farmer, ...this.machines, ...this.owners]) one.nonce = read.account(one.key.account).nonce;
    for (const machine of this.machines) {
      const twin = read.twinByAccount(machine.key.account);
      const node = twin === undefined ? undefined : read.nodeByTwin(twin.id);
      if (node === undefined) throw new Error("a node did not join");
      this.nodeIds.set(machine, node.id);
    }
  }

  heartbeatOf(machine: Sender): Call {
    return heartbeat(this.nodeIds.get(machine) as number);
  }

  async grow(options: GrowOptions): Promise<(readonly [string, string])[]> {
    const { contracts, sizes = [], atSize } = options;
    this.#chain = await this.start({ blockIntervalMs: 1 });
    try {
      await this.#joinNodes(this.#chain);
      say(`${this.machines.length} nodes joined`);
      const figures: (readonly [string, string])[] = [];
      for (const size of [...sizes.filter((one) => one < contracts), contracts]) {
        const [from, before] = [performance.now(), this.made];
        await this.#growTo(size);
        const perSecond = Math.round((this.made - before) / ((performance.now() - from) / 1_000));
        say(`${size.toLocaleString("en")} contracts, ${perSecond} a second`);
        if (atSize !== undefined) figures.push(await atSize(this, size, perSecond));
      }
      await this.#beat(this.#chain);
      return figures;
    } finally {
      await this.#chain.stop();
    }
  }

  async #joinNodes(chain: RunningChain): Promise<void> {
    const { farmer, machines, owners } = this;
    await submit(chain, farmer, [createTwin(farmer), createFarm]);
    const register = registerNode(farmer, this.clock.nowMs());
    await each(machines, (machine) => submit(chain, machine, [createTwin(machine), register]));
    this.readAccounts(chain);
    await this.#beat(chain);
    await each(owners, (owner) => submit(chain, owner, [createTwin(owner)]));
  }

  #beat(chain: RunningChain): Promise<void> {
    return each(this.machines, (machine) => submit(chain, machine, [this.heartbeatOf(machine)]));
  }

  async #growTo(target: number): Promise<void> {
    let beatAtMs = this.clock.nowMs();
    while (this.made < target) {
      if (this.clock.nowMs() - beatAtMs >= HEARTBEAT_MS * 0.9) {
        beatAtMs = this.clock.nowMs();
        await this.#beat(this.chain);
        say(`${this.made} contracts`);
      }
      await this.addContracts(Math.min(PER_TX, target - this.made));
    }
  }

  /** One transaction, and time goes on by as much as its contracts stand for. */
  async addContracts(count: number): Promise<void> {
    const by = this.owners[Math.floor(this.made / PER_TX) % OWNERS] as Sender;
    const calls = Array.from({ length: count }, (_, index) => contractOn(1 + ((this.made + index) % this.machines.length)));
    this.made += count;
    await submit(this.chain, by, calls);
    this.clock.advance(count * BILL_EVERY_MS);
  }
}

const instruction = cidOf(utf8("x"));
const contractOn = (nodeId: number): Call => ({
  type: "contracts.create_node",
  nodeId: nodeId as never,
  solutionId: null,
  instruction,
  resources: SMALL,
  publicIps: 0,
  networks: [],
  depositUnits: 100_000_000n,
});

const DESCRIPTION = "grown.json";

/** What follows `--folder`. */
function keptFolder(): string | undefined {
  const at = process.argv.indexOf("--folder");
  return at === -1 ? undefined : process.argv[at + 1];
}

/** The numbers among the arguments. */
export const numbers = (): number[] => process.argv.slice(2).filter((text) => /^\d+$/.test(text)).map(Number);

export interface Workplace {
  /** The bench's own, to be removed. */
  readonly folder: string;
  readonly ledger: GrownLedger;
  readonly figures: readonly (readonly [string, string])[];
}

/** A ledger that the bench may change, grown now or copied from the folder that the command names. */
export async function workOnGrown(options: GrowOptions): Promise<Workplace> {
  const folder = mkdtempSync("/var/tmp/tfgrid-bench-");
  try {
    const kept = keptFolder();
    const description = await grown(kept ?? folder, options);
    if (kept !== undefined) copyData(kept, folder);
    const { figures, ...rest } = description;
    return { folder, figures, ledger: new GrownLedger(folder, rest) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function grown(folder: string, options: GrowOptions): Promise<Description> {
  const file = join(folder, DESCRIPTION);
  if (existsSync(file)) {
    const found = JSON.parse(readFileSync(file, "utf8")) as Description;
    if (found.contracts === options.contracts && found.nodes === options.nodes) return found;
    throw new Error(`${folder} holds a ledger of ${found.contracts} contracts and ${found.nodes} nodes`);
  }
  mkdirSync(folder, { recursive: true });
  const { contracts, nodes } = options;
  const ledger = new GrownLedger(folder, { contracts, nodes, timeMs: Date.now() + AHEAD_MS });
  const figures = await ledger.grow(options);
  const description: Description = { contracts, nodes, timeMs: ledger.clock.nowMs(), genesis: runtime.genesisToJson(ledger.genesis), figures };
  writeFileSync(file, JSON.stringify(description));
  return description;
}

function copyData(from: string, to: string): void {
  mkdirSync(join(to, "data"), { recursive: true });
  const copy = join(to, "data", "chain.mdb");
  copyFileSync(join(from, "data", "chain.mdb"), copy, constants.COPYFILE_FICLONE);
  // Else the first block's flush would be the copy's.
  const descriptor = openSync(copy, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}
