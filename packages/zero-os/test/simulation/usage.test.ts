import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContractId, type SolutionId, keyPairFromSeed, silentLogger } from "@tfgrid/primitives";
import { type Call, runtimeErrors } from "@tfgrid/tfchain";
import { afterEach, describe, expect, it } from "vitest";
import { NODE_LIMITS } from "../../src/limits.ts";
import { type Counted, type UsageOptions, count, fileUsageStore, runUsage } from "../../src/reporting/usage.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const MB = 1_000_000;
const [ONE, TWO] = [1 as ContractId, 2 as ContractId];
const contract = (contractId: ContractId, solutionId: number) => ({ contractId, solutionId: solutionId as SolutionId, networks: [{ name: "net", cidr: "10.1.0.0/16", subnetIndex: 1, internal: false }] });

/** A ledger that keeps the counters that it accepted, and refuses as the real one does. */
class Node {
  readonly clock = new VirtualClock();
  readonly counters = new Map<string, number>();
  readonly ledger = new Map<ContractId, number>();
  readonly gone = new Set<ContractId>();
  contracts = [contract(ONE, 7)];
  /** Of a gateway node: by contract and host. Undefined: it does not know; an error: it does not answer. */
  visitors: ReadonlyMap<ContractId, Readonly<Record<string, number>>> | undefined | Error = new Map();
  disk: ReadonlyMap<ContractId, Counted> = new Map();
  transactions = 0;
  #abort = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  start(): void {
    this.#abort = new AbortController();
    const options: UsageOptions = {
      chain: { submit: (_key, calls) => this.submit(calls) },
      signer: keyPairFromSeed(new Uint8Array(32)),
      clock: this.clock,
      logger: silentLogger,
      store: { load: async () => this.disk, save: async (rows) => void (this.disk = new Map(rows)) },
      publicBytes: async (znet) => this.counters.get(znet),
      visitorBytes: async () => {
        if (this.visitors instanceof Error) throw this.visitors;
        return this.visitors;
      },
      contracts: () => this.contracts,
      maxCallsPerTx: 10,
    };
    this.#loop = runUsage(options, this.#abort.signal);
  }
  async stop(): Promise<void> {
    this.#abort.abort(new Error("stopped"));
    await this.clock.advance(0);
    await this.#loop;
  }
  async submit(calls: readonly Call[]): Promise<never> {
    this.transactions += 1;
    for (const call of calls) {
      if (call.type !== "contracts.report_usage") throw new Error(`unexpected ${call.type}`);
      if (this.gone.has(call.contractId)) throw runtimeErrors.fail("contracts.not_active");
      const before = this.ledger.get(call.contractId) ?? 0;
      if (call.publicBytes < before) throw runtimeErrors.fail("contracts.impossible_usage", { details: { before } });
    }
    for (const call of calls) if (call.type === "contracts.report_usage") this.ledger.set(call.contractId, call.publicBytes);
    return undefined as never;
  }
  async interval(): Promise<void> {
    await this.clock.advance(NODE_LIMITS.usageIntervalMs);
  }
}

let node: Node | undefined;
let folder: string | undefined;
afterEach(async () => {
  await node?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true });
  [node, folder] = [undefined, undefined];
});

describe("counting public traffic", () => {
  it("begins with the first look, adds up, and begins anew with the network", () => {
    const first = count(undefined, { a: 500 });
    expect(first).toEqual({ publicBytes: 0, toldBytes: 0, counters: { a: 500 } });
    const second = count(first, { a: 800, b: 50 });
    expect(second.publicBytes).toBe(350);
    // The network was made anew: what its counter shows came since.
    expect(count(second, { a: 20, b: 60 }).publicBytes).toBe(380);
    expect(count(second, {}).publicBytes).toBe(350);
  });

  it("tells the ledger what has grown, once, also over restarts of the agent and of the machine", async () => {
    node = new Node();
    node.counters.set("s7-net", 9 * MB);
    node.start();
    await node.interval();
    expect(node.ledger.size).toBe(0);
    node.counters.set("s7-net", 12 * MB);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(3 * MB);
    const { transactions } = node;
    node.counters.set("s7-net", 12 * MB + 900_000);
    await node.interval();
    // Too little to be worth a transaction; it is not forgotten.
    expect(node.transactions).toBe(transactions);
    await node.stop();
    node.counters.set("s7-net", 13 * MB);
    node.start();
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(4 * MB);
    await node.stop();
    node.counters.set("s7-net", 2 * MB);
    node.start();
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(6 * MB);
  });

  it("goes on from the ledger's count when its own file was lost", async () => {
    node = new Node();
    node.ledger.set(ONE, 50 * MB);
    node.counters.set("s7-net", 60 * MB);
    node.start();
    await node.interval();
    node.counters.set("s7-net", 65 * MB);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(50 * MB);
    node.counters.set("s7-net", 67 * MB);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(52 * MB);
  });

  it("lets no ended contract keep the others from being heard, and forgets it", async () => {
    node = new Node();
    node.contracts = [contract(ONE, 7), contract(TWO, 8)];
    for (const key of ["s7-net", "s8-net"]) node.counters.set(key, 0);
    node.start();
    await node.interval();
    node.gone.add(ONE);
    for (const key of ["s7-net", "s8-net"]) node.counters.set(key, 2 * MB);
    await node.interval();
    expect([...node.ledger]).toEqual([[TWO, 2 * MB]]);
    node.contracts = [contract(TWO, 8)];
    await node.interval();
    expect([...node.disk.keys()]).toEqual([TWO]);
  });

  it("counts what visitors of a gateway send and get, from the first look at a host name on", async () => {
    node = new Node();
    node.counters.set("s7-net", 0);
    const visits = (bytes: number, host = "shop.gw") => (node!.visitors = new Map([[ONE, { [host]: bytes }]]));
    // The host was served before this contract was seen: by whom is not known.
    visits(40 * MB);
    node.start();
    await node.interval();
    expect(node.ledger.size).toBe(0);
    visits(43 * MB);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(3 * MB);
    // Both ways out of a private network together.
    visits(45 * MB);
    node.counters.set("s7-net", 5 * MB);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(10 * MB);
    // The gateway took a new configuration, and its counters began anew.
    visits(2 * MB);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(12 * MB);
    // While it says nothing nothing is counted, and afterwards nothing is lost, also over a restart of the agent.
    for (const silent of [new Error("no answer"), undefined]) {
      node.visitors = silent;
      await node.interval();
      await node.stop();
      node.start();
      await node.interval();
    }
    visits(6 * MB);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(16 * MB);
    // A name of its own later on: what passed before the first look may have been somebody else's.
    node.visitors = new Map([[ONE, { "shop.gw": 6 * MB, "new.gw": 70 * MB }]]);
    await node.interval();
    node.visitors = new Map([[ONE, { "shop.gw": 6 * MB, "new.gw": 72 * MB }]]);
    await node.interval();
    expect(node.ledger.get(ONE)).toBe(18 * MB);
  });

  it("keeps its count on disk; a damaged file is left out", async () => {
    folder = await mkdtemp(join(tmpdir(), "tfgrid-usage-"));
    const store = fileUsageStore({ dataDir: folder, logger: silentLogger });
    expect(await store.load()).toEqual(new Map());
    const rows = new Map([[TWO, { publicBytes: 5, toldBytes: 4, counters: { "s8-net": 77 } }]]);
    await store.save(rows);
    expect(await store.load()).toEqual(rows);
    await writeFile(join(folder, "usage.json"), '{"x":1}');
    expect(await store.load()).toEqual(new Map());
  });
});
