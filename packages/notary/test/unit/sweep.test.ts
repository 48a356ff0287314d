import { type CidText, type Clock, cidOf, encode, silentLogger, systemClock } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { provenLedger } from "../../src/core/ledger.ts";
import { sweep } from "../../src/core/sweep.ts";
import { documents } from "../../src/index.ts";
import { memoryStore } from "../../src/store/memory-store.ts";
import { anInstruction, aSolution } from "../helpers/documents.ts";
import { FakeChain } from "../helpers/fake-chain.ts";

const GRACE_MS = 1_000;
const [USED, UNUSED] = ["bafyused" as CidText, "bafyunused" as CidText];

async function bench() {
  const [chain, store] = [new FakeChain(), memoryStore()];
  let nowMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  for (const cid of [USED, UNUSED]) {
    const record = { author: 1 as never, readers: [], signatures: [], sizeBytes: 1, kind: "instruction/v1", storedAtMs: 0, unnamedSinceMs: null };
    await store.update(cid, () => ({ record, bytes: new Uint8Array(1) }));
  }
  const contract = chain.contract({ instruction: USED });
  const reader = chain.reader();
  const run = () => sweep({ store, chain: reader, ledger: provenLedger(reader), clock, logger: silentLogger, graceMs: GRACE_MS });
  return { chain, store, contract, run, at: (ms: number) => void (nowMs = ms) };
}

describe("retention", () => {
  it("deletes what nothing has named for the grace period, and nothing else", async () => {
    const { store, run, at } = await bench();
    expect(await run()).toEqual({ named: 1, unnamed: 1, deleted: 0 });
    at(GRACE_MS - 1);
    expect(await run()).toEqual({ named: 1, unnamed: 1, deleted: 0 });
    at(GRACE_MS);
    expect(await run()).toEqual({ named: 1, unnamed: 0, deleted: 1 });
    expect([store.record(USED) !== undefined, store.record(UNUSED)]).toEqual([true, undefined]);
  });

  it("counts the grace from the end of the contract, and again when it was named in between", async () => {
    const { chain, contract, store, run, at } = await bench();
    await run();
    chain.contracts.set(contract.id, { ...contract, state: "deleted" });
    at(500);
    await run();
    at(1_200);
    chain.solution({ document: USED });
    await run();
    at(1_600);
    expect((await run()).deleted).toBe(0);
    expect(store.record(USED)?.unnamedSinceMs).toBeNull();
  });

  it("keeps a solution's pending document", async () => {
    const { chain, store, run, at } = await bench();
    chain.solution({ document: USED, pending: { version: 2, document: UNUSED, budgetPerHourUnits: 1n, signedBy: [] } });
    for (const ms of [0, GRACE_MS, 3 * GRACE_MS]) {
      at(ms);
      await run();
    }
    expect(store.record(UNUSED)).toBeDefined();
  });

  it("deletes nothing on the word of a server that leaves out what is in use", async () => {
    const { chain, store, run, at } = await bench();
    const kept: CidText[] = [];
    const keep = async (kind: string, bytes: Uint8Array): Promise<CidText> => {
      const cid = cidOf(bytes);
      kept.push(cid);
      await store.update(cid, () => ({ record: { author: 7 as never, readers: [], signatures: [], sizeBytes: bytes.length, kind, storedAtMs: 0, unnamedSinceMs: null }, bytes }));
      return cid;
    };
    const solution = chain.solution({ twinId: 7 as never });
    const bytes = encode(documents.instruction, anInstruction({ solutionId: solution.id, nodeId: 1 }));
    const part = chain.contract({ instruction: await keep("instruction/v1", bytes), solutionId: solution.id });
    const document = await keep("solution/v1", encode(documents.solutionDocument, aSolution({ agentTwinId: 8 as never, signers: [7 as never] })));
    chain.solutions.set(solution.id, { ...solution, document, parts: [part.id] });
    chain.liar = true;
    for (const ms of [0, GRACE_MS, 3 * GRACE_MS]) {
      at(ms);
      await run();
    }
    expect(kept.map((cid) => store.record(cid) !== undefined)).toEqual([true, true]);
    expect(store.record(UNUSED)).toBeUndefined();
    chain.contracts.set(part.id, { ...part, state: "deleted" });
    chain.solutions.set(solution.id, { ...solution, state: "cancelled", parts: [] });
    for (const ms of [5 * GRACE_MS, 7 * GRACE_MS]) {
      at(ms);
      await run();
    }
    expect(kept.map((cid) => store.record(cid))).toEqual([undefined, undefined]);
  });

  it("deletes nothing when the chain cannot be read, is another chain, or is behind", async () => {
    const { chain, store, run, at } = await bench();
    await run();
    at(10 * GRACE_MS);
    chain.down = true;
    await expect(run()).rejects.toThrow("down");
    chain.down = false;
    const head = chain.head;
    chain.head = { ...head, chainId: "another" };
    expect((await run()).deleted).toBe(0);
    chain.head = { ...head, height: (head.height - 1) as never };
    expect((await run()).deleted).toBe(0);
    expect(store.count()).toBe(2);
    chain.head = head;
    expect((await run()).deleted).toBe(1);
  });
});
