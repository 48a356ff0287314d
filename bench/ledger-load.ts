/**
 * `npm run bench -- ledger-load [contracts] [nodes] [seconds] [--report]`: what a full grid costs its ledger when nobody asks anything. 10,000
 * nodes say every ten minutes that they are there, 1,000,000 contracts are billed every hour: 17 heartbeats and 278 bills a
 * second on a solo chain with its disk, in this process. The past is built with a clock that is moved by hand, so that bills
 * fall due evenly; then the clock runs as clocks do, and the processor time of everything in this process is measured, the
 * sending of heartbeats among it. Fewer contracts are billed more often, so that the rate stays the same.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, cidOf, systemClock, utf8 } from "@tfgrid/primitives";
import { type Call, type RunningChain, runtime, startChain, testing } from "@tfgrid/tfchain";
import { type Sender, SMALL, benchGenesis, createFarm, createTwin, heartbeat, registerNode, sender, signTx } from "./ledger.ts";
import { report } from "./section.ts";

const [contracts = 100_000, nodes = 10_000, seconds = 60] = process.argv.slice(2).filter((text) => /^\d+$/.test(text)).map(Number);
const OWNERS = 100;
/** Contracts of one moment: fewer than fall due between two blocks that bill. */
const PER_TX = 100;
const HEARTBEAT_MS = 600_000;
/** ms between two bills: 278 a second. */
const BILL_EVERY_MS = 3.6;
const SETTLEMENT_MS = Math.round(contracts * BILL_EVERY_MS);
const WARM_UP_MS = 10_000;

/** By hand until it is let go; never back. */
class BenchClock implements Clock {
  readonly sleep: Clock["sleep"] = (ms, signal) => systemClock.sleep(ms, signal);
  #atMs = Date.now();
  #since: number | undefined;

  readonly nowMs = (): number => Math.floor(this.#since === undefined ? this.#atMs : this.#atMs + performance.now() - this.#since);

  advance(ms: number): void {
    this.#atMs += ms;
  }

  letGo(): void {
    this.#since = performance.now();
  }
}

const clock = new BenchClock();
const folder = mkdtempSync("/var/tmp/tfgrid-bench-load-");
const farmer = sender("farmer");
const machines = Array.from({ length: nodes }, (_, index) => sender(`node ${index}`));
const owners = Array.from({ length: OWNERS }, (_, index) => sender(`owner ${index}`));
const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function submit(chain: RunningChain, by: Sender, calls: readonly Call[]): Promise<void> {
  const { ok, error } = await chain.engine.submit(signTx(by, calls));
  if (!ok) throw new Error(JSON.stringify(error));
}

/** In pieces, so that the mempool has room. */
async function each<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += 1_000) await Promise.all(items.slice(from, from + 1_000).map((item, index) => run(item, from + index)));
}

const nodeIds = new Map<Sender, number>();
const heartbeatOf = (machine: Sender): Call => heartbeat(nodeIds.get(machine) as number);

async function joinNodes(chain: RunningChain): Promise<void> {
  await submit(chain, farmer, [createTwin(farmer), createFarm]);
  const register = registerNode(farmer, clock.nowMs());
  await each(machines, (machine) => submit(chain, machine, [createTwin(machine), register]));
  const read = runtime.queries(chain.engine.state);
  for (const machine of machines) {
    const twin = read.twinByAccount(machine.key.account);
    nodeIds.set(machine, (twin === undefined ? undefined : read.nodeByTwin(twin.id))?.id as number);
  }
  await each(owners, (owner) => submit(chain, owner, [createTwin(owner)]));
}

/** Contracts with their time of creation, and so their bills, spread evenly over one settlement interval. */
async function build(chain: RunningChain): Promise<void> {
  const instruction = cidOf(utf8("x"));
  const common = { type: "contracts.create_node" as const, solutionId: null, instruction, resources: SMALL, publicIps: 0, networks: [], depositUnits: 100_000_000n };
  let beatAtMs = clock.nowMs() - HEARTBEAT_MS;
  for (let made = 0; made < contracts; made += PER_TX) {
    if (clock.nowMs() - beatAtMs >= HEARTBEAT_MS * 0.9) {
      beatAtMs = clock.nowMs();
      await each(machines, (machine) => submit(chain, machine, [heartbeatOf(machine)]));
      say(`${made} contracts`);
    }
    const calls = Array.from({ length: PER_TX }, (_, index): Call => ({ ...common, nodeId: (1 + ((made + index) % nodes)) as never }));
    await submit(chain, owners[(made / PER_TX) % OWNERS] as Sender, calls);
    clock.advance(PER_TX * BILL_EVERY_MS);
  }
}

interface Watched {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly blocks: number;
  readonly bills: number;
  readonly heartbeats: number;
}

async function watch(chain: RunningChain): Promise<Watched> {
  let next = 0;
  let heartbeats = 0;
  const failed = Promise.withResolvers<never>();
  const beginMs = performance.now();
  // As many as the time asks for: a timer that comes late drops none.
  const beats = setInterval(() => {
    for (; next < ((performance.now() - beginMs) * nodes) / HEARTBEAT_MS; next += 1) {
      const machine = machines[next % nodes] as Sender;
      heartbeats += 1;
      submit(chain, machine, [heartbeatOf(machine)]).catch(failed.reject);
    }
  }, HEARTBEAT_MS / nodes);
  let blocks = 0;
  let bills = 0;
  const stop = chain.engine.onBlock(({ eventsJson = "" }) => {
    blocks += 1;
    bills += eventsJson.split('"contracts.billed"').length - 1;
  });
  const pause = (ms: number): Promise<unknown> => Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), failed.promise]);
  try {
    await pause(WARM_UP_MS);
    [blocks, bills, heartbeats] = [0, 0, 0];
    const cpu = process.cpuUsage();
    const from = performance.now();
    await pause(seconds * 1_000);
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMs: (user + system) / 1_000, wallMs: performance.now() - from, blocks, bills, heartbeats };
  } finally {
    stop();
    clearInterval(beats);
  }
}

const genesis = benchGenesis([farmer, ...machines, ...owners], {
  params: { maxCallsPerTx: 256, heartbeatIntervalMs: HEARTBEAT_MS, settlementIntervalMs: SETTLEMENT_MS },
});
const chain = await startChain({ dataDir: join(folder, "data"), genesis, authority: testing.testKey("authority"), blockIntervalMs: 1, clock });
let building = true;
try {
  await joinNodes(chain);
  await build(chain);
  await each(machines, (machine) => submit(chain, machine, [heartbeatOf(machine)]));
  building = false;
} finally {
  if (building) rmSync(folder, { recursive: true, force: true });
  await chain.stop();
}
try {
  clock.letGo();
  const running = await startChain({ dataDir: join(folder, "data"), genesis, authority: testing.testKey("authority"), clock });
  const { cpuMs, wallMs, blocks, bills, heartbeats } = await watch(running);
  await running.stop();
  const perSecond = (count: number): number => Math.round((count / wallMs) * 10_000) / 10;
  const figures = {
    contracts,
    nodes,
    "bills a second": perSecond(bills),
    "heartbeats a second": perSecond(heartbeats),
    "blocks a second": perSecond(blocks),
    "processor time, % of one processor": Math.round((cpuMs / wallMs) * 1_000) / 10,
  };
  report({ name: "ledger-load", figures });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
