/**
 * `npm run bench -- ledger-load [contracts] [nodes] [seconds] [--report]`: what a full grid costs its ledger when nobody asks anything. 10,000
 * nodes say every ten minutes that they are there, 1,000,000 contracts are billed every hour: 17 heartbeats and 278 bills a
 * second on a solo chain with its disk, in this process. The past is built with a clock that is moved by hand, so that bills
 * fall due evenly; then the clock runs as clocks do, and the processor time of everything in this process is measured, the
 * sending of heartbeats among it. Fewer contracts are billed more often, so that the rate stays the same.
 */
import { type KeyObject, createHash, createPrivateKey, sign } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type AccountId, type Clock, bytesToHex, cidOf, domainBytes, encode, keyPairFromSeed, systemClock, utf8 } from "@tfgrid/primitives";
import { type Call, type RunningChain, chain as types, runtime, startChain, testing } from "@tfgrid/tfchain";
import { report } from "./section.ts";

const [contracts = 100_000, nodes = 10_000, seconds = 60] = process.argv.slice(2).filter((text) => /^\d+$/.test(text)).map(Number);
const CHAIN_ID = "bench-load";
const OWNERS = 100;
/** Contracts of one moment: as many as fall due between two blocks. */
const PER_TX = 20;
const HEARTBEAT_MS = 600_000;
/** ms between two bills: 278 a second. */
const BILL_EVERY_MS = 3.6;
const SETTLEMENT_MS = Math.round(contracts * BILL_EVERY_MS);
const WARM_UP_MS = 10_000;
const DER = Buffer.from("302e020100300506032b657004220420", "hex");

interface Signer {
  readonly account: AccountId;
  readonly encryptionKey: string;
  readonly secret: KeyObject;
  nonce: number;
}

function signer(name: string): Signer {
  const pair = keyPairFromSeed(createHash("sha256").update(name).digest());
  const secret = createPrivateKey({ key: Buffer.concat([DER, pair.secretSeed]), format: "der", type: "pkcs8" });
  return { account: pair.account, encryptionKey: pair.encryptionKey, secret, nonce: 0 };
}

function signed(by: Signer, calls: readonly Call[]): Uint8Array {
  const body = { chainId: CHAIN_ID, signer: by.account, nonce: by.nonce, expiresAtHeight: 100_000_000 as never, calls };
  by.nonce += 1;
  const signature = bytesToHex(sign(null, domainBytes("tfgrid/tx/v1", encode(types.transactionBody, body)), by.secret));
  return encode(types.signedTransaction, { body, signature });
}

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
const farmer = signer("farmer");
const machines = Array.from({ length: nodes }, (_, index) => signer(`node ${index}`));
const owners = Array.from({ length: OWNERS }, (_, index) => signer(`owner ${index}`));
const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function submit(chain: RunningChain, by: Signer, calls: readonly Call[]): Promise<void> {
  const { ok, error } = await chain.engine.submit(signed(by, calls));
  if (!ok) throw new Error(JSON.stringify(error));
}

/** In pieces, so that the mempool has room. */
async function each<T>(items: readonly T[], run: (item: T, index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += 1_000) await Promise.all(items.slice(from, from + 1_000).map((item, index) => run(item, from + index)));
}

const twinCall = ({ encryptionKey }: Signer): Call => ({ type: "twins.create", relays: [], encryptionKey: encryptionKey as never });
const nodeIds = new Map<Signer, number>();
const heartbeat = (machine: Signer): Call => ({ type: "nodes.heartbeat", nodeId: nodeIds.get(machine) as never, uptimeSec: 1 });

async function joinNodes(chain: RunningChain): Promise<void> {
  await submit(chain, farmer, [twinCall(farmer), { type: "farms.create", name: "farm", dedicated: false }]);
  const profile = {
    total: { cpuMilli: 4_096_000, memoryBytes: 2 ** 50, ssdBytes: 2 ** 50, hddBytes: 0 },
    location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
    interfaces: [],
    meshKey: bytesToHex(new Uint8Array(32).fill(7)),
    meshEndpoints: [],
    isolation: ["container" as const],
    softwareVersion: "0.1.0",
  };
  const body = { chainId: CHAIN_ID, farmId: 1 as never, expiresAtMs: clock.nowMs() + 3_600_000 };
  const joinToken = { ...body, signature: bytesToHex(sign(null, domainBytes("tfgrid/join-token/v1", encode(types.joinTokenBody, body)), farmer.secret)) };
  await each(machines, (machine) => submit(chain, machine, [twinCall(machine), { type: "nodes.register", joinToken, ...profile }]));
  const read = runtime.queries(chain.engine.state);
  for (const machine of machines) {
    const twin = read.twinByAccount(machine.account);
    nodeIds.set(machine, (twin === undefined ? undefined : read.nodeByTwin(twin.id))?.id as number);
  }
  await each(owners, (owner) => submit(chain, owner, [twinCall(owner)]));
}

/** Contracts with their time of creation, and so their bills, spread evenly over one settlement interval. */
async function build(chain: RunningChain): Promise<void> {
  const instruction = cidOf(utf8("x"));
  const resources = { cpuMilli: 10, memoryBytes: 2 ** 24, ssdBytes: 2 ** 24, hddBytes: 0 };
  const common = { type: "contracts.create_node" as const, solutionId: null, instruction, resources, publicIps: 0, networks: [], depositUnits: 100_000_000n };
  let beatAtMs = clock.nowMs() - HEARTBEAT_MS;
  for (let made = 0; made < contracts; made += PER_TX) {
    if (clock.nowMs() - beatAtMs >= HEARTBEAT_MS * 0.9) {
      beatAtMs = clock.nowMs();
      await each(machines, (machine) => submit(chain, machine, [heartbeat(machine)]));
      say(`${made} contracts`);
    }
    const calls = Array.from({ length: PER_TX }, (_, index): Call => ({ ...common, nodeId: (1 + ((made + index) % nodes)) as never }));
    await submit(chain, owners[(made / PER_TX) % OWNERS] as Signer, calls);
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
  const beats = setInterval(() => {
    const machine = machines[next % nodes] as Signer;
    next += 1;
    heartbeats += 1;
    submit(chain, machine, [heartbeat(machine)]).catch(failed.reject);
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

const genesis = runtime.defaultGenesis({
  chainId: CHAIN_ID,
  preset: "main",
  params: { maxCallsPerTx: 256, heartbeatIntervalMs: HEARTBEAT_MS, settlementIntervalMs: SETTLEMENT_MS },
  foundation: testing.testKey("foundation").account,
  validatorsPool: testing.testKey("validators").account,
  accounts: [farmer, ...machines, ...owners].map(({ account }) => ({ id: account, freeUnits: 10n ** 13n })),
});
const chain = await startChain({ dataDir: join(folder, "data"), genesis, authority: testing.testKey("authority"), blockIntervalMs: 1, clock });
let building = true;
try {
  await joinNodes(chain);
  await build(chain);
  await each(machines, (machine) => submit(chain, machine, [heartbeat(machine)]));
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
