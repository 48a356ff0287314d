/** Contracts lie in two rows each, the second shared with their neighbours: nobody above may notice. */
import type { ContractId } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { contractRows, contracts, meters, tallyRows } from "../../src/runtime/contracts/rows.ts";
import type { StateWriter } from "../../src/runtime/api.ts";
import type { Contract } from "../../src/types/entities.ts";

function stateOf() {
  const rows = new Map<string, Uint8Array>();
  const written: string[] = [];
  const state: StateWriter = {
    get: (key) => rows.get(key),
    set: (key, bytes) => {
      written.push(key);
      rows.set(key, bytes);
    },
    delete: (key) => void rows.delete(key),
    range: ({ gte, lt }) => [...rows].filter(([key]) => key >= gte && key < lt).sort(([a], [b]) => (a < b ? -1 : 1)),
  };
  return { state, written, keys: () => [...rows.keys()] };
}

const name = (id: number): Contract => ({
  type: "name",
  id: id as ContractId,
  twinId: 1 as never,
  solutionId: null,
  state: "created",
  createdAtMs: id,
  deletedAtMs: null,
  deletedCause: null,
  costPerHourUnits: 1n,
  billedUnits: BigInt(id),
  settledAtMs: id,
  escrowUnits: 5n,
  name: `n${id}`,
  gatewayNodeId: 1 as never,
});
const meter = (dueMs: number) => ({ seenMs: 1, remainder: 2n, owedUnits: 3n, dueMs });

describe("rows of contracts", () => {
  it("give back what was put, in whatever order, across the ends of shared rows", () => {
    const { state, keys } = stateOf();
    const ids = [8, 3, 16, 7, 1, 15, 9];
    for (const id of ids) contracts.put(state, id as ContractId, name(id));
    for (const id of ids) meters.put(state, id as ContractId, meter(id));
    for (const id of ids) expect([contracts.get(state, id as ContractId), meters.get(state, id as ContractId)]).toEqual([name(id), meter(id)]);
    expect([...contracts.all(state)].map(({ id }) => id)).toEqual(ids.toSorted((a, b) => a - b));
    expect([...tallyRows.all(state)].map((row) => row.map(({ id }) => id))).toEqual([[1, 3, 7], [8, 9, 15], [16]]);
    expect(keys().filter((key) => key.startsWith("contract/"))).toHaveLength(ids.length);
  });

  it("are written where something changed, and only there", () => {
    const { state, written } = stateOf();
    for (const id of [1, 2]) contracts.put(state, id as ContractId, name(id));
    const first = 1 as ContractId;
    const changes: [string, Contract, string[]][] = [
      ["nothing", name(1), []],
      ["a bill", { ...name(1), billedUnits: 100n }, ["tally"]],
      ["a turn of its life", { ...name(1), billedUnits: 100n, state: "grace" }, ["contract"]],
      ["both", { ...name(1), state: "created", escrowUnits: 0n }, ["contract", "tally"]],
    ];
    for (const [what, row, tables] of changes) {
      written.length = 0;
      contracts.put(state, first, row);
      expect([what, written.map((key) => key.split("/")[0])]).toEqual([what, tables]);
      expect(contracts.get(state, first)).toEqual(row);
      expect(contracts.get(state, 2 as ContractId)).toEqual(name(2));
    }
  });

  it("keep the money of what has ended, and no meter", () => {
    const { state } = stateOf();
    const id = 4 as ContractId;
    contracts.put(state, id, name(4));
    meters.put(state, id, meter(9));
    contracts.put(state, id, { ...name(4), billedUnits: 7n });
    expect(meters.get(state, id)).toEqual(meter(9));
    meters.remove(state, id);
    expect([contracts.get(state, id)?.billedUnits, meters.get(state, id)]).toEqual([7n, undefined]);
  });

  it("that do not belong together are a fault of the ledger, and never a contract without money", () => {
    const { state } = stateOf();
    contracts.put(state, 4 as ContractId, name(4));
    state.delete(tallyRows.key("0000000000000000"));
    expect(() => contracts.get(state, 4 as ContractId)).toThrow("contract 4 has no tally");
    expect(() => meters.put(state, 5 as ContractId, meter(1))).toThrow("contract 5 has no tally");
    expect(contractRows.get(state, 4 as ContractId)).not.toHaveProperty("escrowUnits");
  });
});
