/** Lists that are read as a whole, also when they change meanwhile. */
import type { ContractId, NodeId, Schema } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { type ReadPage, allRows, pagesOf } from "../../src/client/pages.ts";
import { provenReader } from "../../src/client/proven.ts";
import { CLIENT_LIMITS } from "../../src/limits.ts";
import { stateKeys } from "../../src/runtime/state-keys.ts";
import type { Contract, ContractPage, ProvenReadOptions } from "../../src/types/index.ts";

interface Row {
  readonly id: number;
}

function listOf(rows: readonly Row[]) {
  const asked: number[] = [];
  const read: ReadPage<Row> = ({ after, limit }) => {
    asked.push(after);
    return Promise.resolve(rows.filter(({ id }) => id > after).slice(0, limit));
  };
  return { read, asked };
}

const rowsTo = (count: number): readonly Row[] => Array.from({ length: count }, (_, index) => ({ id: 3 * (index + 1) }));

describe("a list that is read as a whole", () => {
  it.each([0, 1, CLIENT_LIMITS.pageRows - 1, CLIENT_LIMITS.pageRows, CLIENT_LIMITS.pageRows + 1, 3 * CLIENT_LIMITS.pageRows])("has each of its %i rows once, in order", async (count) => {
    const { read, asked } = listOf(rowsTo(count));
    expect(await allRows(read)).toEqual(rowsTo(count));
    expect(asked).toHaveLength(Math.floor(count / CLIENT_LIMITS.pageRows) + 1);
  });

  it("goes on from what it is ordered by", async () => {
    const after: number[] = [];
    const names = Array.from({ length: CLIENT_LIMITS.pageRows + 2 }, (_, index) => ({ nodeId: index + 7 }));
    const read: ReadPage<(typeof names)[number]> = (page) => {
      after.push(page.after);
      return Promise.resolve(names.filter(({ nodeId }) => nodeId > page.after).slice(0, page.limit));
    };
    const sizes: number[] = [];
    for await (const page of pagesOf(read, ({ nodeId }) => nodeId)) sizes.push(page.length);
    expect([sizes, after]).toEqual([[CLIENT_LIMITS.pageRows, 2], [0, CLIENT_LIMITS.pageRows + 6]]);
  });
});

describe("contracts with proofs", () => {
  const talliesOf = (ids: readonly number[]) => ids.map((id) => ({ id, costPerHourUnits: 0n, billedUnits: 0n, settledAtMs: 0, escrowUnits: BigInt(id) }));
  const contract = (id: number, state: Contract["state"]) => ({ type: "node", id, nodeId: 1, solutionId: 1, twinId: 1, state }) as unknown as Contract;

  it("fill a page although some have ended since they were listed: a page that is not full is the last", async () => {
    const ids = Array.from({ length: 10 }, (_, index) => index + 1);
    const ended = new Set([2, 3, 9]);
    const list = ({ after = 0, limit = 100 }: ContractPage) => Promise.resolve(ids.filter((id) => id > after).slice(0, limit).map((id) => contract(id, "created")));
    const rows = new Map<string, unknown>(ids.map((id) => [stateKeys.contract(id as ContractId), contract(id, ended.has(id) ? "deleted" : "created")]));
    for (const id of ids) rows.set(stateKeys.tally(id as ContractId), talliesOf(ids.filter((other) => stateKeys.tally(other) === stateKeys.tally(id))));
    const asked: string[] = [];
    const get = <T>(key: string, _schema: Schema<T>) => {
      asked.push(key);
      return Promise.resolve(rows.get(key) as T | undefined);
    };
    const reader = provenReader({ height: 1, get }, list);
    const read = async (page: ContractPage) => (await reader.contracts({ nodeId: 1 as NodeId, active: true, ...page })).map(({ id }) => id as number);
    expect(await read({ limit: 4 })).toEqual([1, 4, 5, 6]);
    expect(await read({ limit: 4, after: 6 })).toEqual([7, 8, 10]);
    expect(await read({ limit: 100 })).toEqual([1, 4, 5, 6, 7, 8, 10]);
    asked.length = 0;
    expect(await read({})).toEqual([1, 4, 5, 6, 7, 8, 10]);
    // Ten contracts in two rows of what they cost.
    expect(asked.filter((key) => key.startsWith("tally/"))).toHaveLength(2);
  });

  it("are asked for what they cost again when they were made between the two reads, at no older height", async () => {
    const asked: (number | undefined)[] = [];
    const get = <T>(key: string, _schema: Schema<T>, read?: ProvenReadOptions) => {
      if (key.startsWith("contract/")) return Promise.resolve(contract(9, "created") as T);
      asked.push(read?.atLeast);
      return Promise.resolve(talliesOf(asked.length === 1 ? [8] : [8, 9]) as T);
    };
    expect(await provenReader({ height: 7, get }, () => Promise.resolve([])).contract(9 as ContractId)).toMatchObject({ id: 9, escrowUnits: 9n });
    expect(asked).toEqual([undefined, 7]);
  });

  it("that nothing proves the cost of are no answer", async () => {
    const get = <T>(key: string, _schema: Schema<T>) => Promise.resolve((key.startsWith("contract/") ? contract(9, "created") : talliesOf([8])) as T);
    const reader = provenReader({ height: 7, get }, () => Promise.resolve([]));
    await expect(reader.contract(9 as ContractId)).rejects.toMatchObject({ code: "light.bad_answer" });
  });
});
