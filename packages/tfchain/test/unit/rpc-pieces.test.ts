/** Lists that look at many rows for few: in pieces, with turns for others between them. */
import { describe, expect, it } from "vitest";
import { piecewise } from "../../src/rpc/pieces.ts";
import type { Slice } from "../../src/runtime/index.ts";
import type { Contract, ContractPage, Solution, SolutionPage } from "../../src/types/index.ts";
import { accountOf, cid, nodeCall, world } from "./runtime-harness.ts";

describe("contracts in slices", () => {
  it("are the same, however few rows are looked at each time", () => {
    const chain = world();
    const { read } = chain;
    const resources = { cpuMilli: 100, memoryBytes: 2 ** 24, ssdBytes: 2 ** 24, hddBytes: 0 };
    const owners = ["user", "other", "user", "other", "user", "other", "user"];
    for (const owner of owners) chain.do(owner, nodeCall(chain, { resources }));
    for (const [index, { id }] of read.contracts({}).entries()) if (index % 3 === 0) chain.do(owners[index] as string, { type: "contracts.cancel", contractId: id });
    const other = read.twinByAccount(accountOf("other"))!.id;
    const filters: ContractPage[] = [{}, { active: true }, { active: false }, { nodeId: chain.nodeOf("node1") }, { twinId: other, active: true }, { active: true, limit: 3 }, { limit: 0 }, { after: 2, limit: 2 }];
    for (const filter of filters) {
      for (const lookAt of [1, 2, 3, 100]) {
        const rows: Contract[] = [];
        let page: ContractPage | undefined = filter;
        while (page !== undefined) {
          const slice: Slice<Contract> = read.contractsSlice(page, lookAt);
          expect(slice.rows.length).toBeLessThanOrEqual(lookAt);
          rows.push(...slice.rows);
          page = slice.next === undefined ? undefined : { ...page, ...slice.next };
        }
        expect(rows, JSON.stringify(filter)).toEqual(read.contracts(filter));
      }
    }
  });
});

describe("solutions in slices", () => {
  it("are the same, however few rows are looked at each time", () => {
    const chain = world();
    const { read } = chain;
    for (const [owner, name] of [["user", "a"], ["other", "b"], ["user", "c"], ["user", "d"], ["other", "e"]] as const) {
      const [agentTwinId, signers] = [chain.twin("agent"), [{ twinId: chain.twin(owner), weight: 1 }]];
      const terms = { document: cid(name), thresholds: { provision: 1, amend: 1, delete: 1 }, budgetPerHourUnits: 1n, depositUnits: 1_000_000n };
      chain.do(owner, { type: "solutions.create", name, agentTwinId, signers, ...terms });
    }
    const [user, agent] = [chain.twin("user"), chain.twin("agent")];
    const found: readonly (readonly [SolutionPage, readonly string[]])[] = [
      [{}, ["a", "b", "c", "d", "e"]],
      [{ twinId: user }, ["a", "c", "d"]],
      [{ agentTwinId: agent, after: 1 }, ["b", "c", "d", "e"]],
      [{ twinId: user, agentTwinId: agent, limit: 2 }, ["a", "c"]],
      [{ twinId: user, agentTwinId: user }, []],
      [{ limit: 0 }, []],
    ];
    for (const [filter, names] of found) {
      for (const lookAt of [1, 2, 100]) {
        const rows: Solution[] = [];
        let page: SolutionPage | undefined = filter;
        while (page !== undefined) {
          const slice: Slice<Solution> = read.solutionsSlice(page, lookAt);
          rows.push(...slice.rows);
          page = slice.next === undefined ? undefined : { ...page, ...slice.next };
        }
        expect(rows.map(({ name }) => name), JSON.stringify(filter)).toEqual(names);
      }
    }
  });
});

describe("a list in pieces", () => {
  const rowsOf = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  const onePerPiece = (all: readonly number[], began: string[], name: string) => ({ after = 0, limit = 100 }: { readonly after?: number; readonly limit?: number }): Slice<number> => {
    began.push(name);
    const row = all.find((id) => id > after);
    return row === undefined ? { rows: [] } : { rows: [row], next: { after: row, limit: limit - 1 } };
  };

  it("is answered at once when it is one piece, and whole when it is many", async () => {
    const inPieces = piecewise();
    expect(inPieces({ limit: 5 }, () => ({ rows: [1, 2] }))).toEqual([1, 2]);
    expect(await inPieces({ limit: 9 }, onePerPiece(rowsOf(4), [], "a"))).toEqual([1, 2, 3, 4]);
  });

  it("gives way between two pieces, to others and to other lists; one that fails holds up none", async () => {
    const inPieces = piecewise();
    const began: string[] = [];
    const failing = (): Slice<number> => {
      if (began.filter((name) => name === "f").length === 1) throw new Error("the state is gone");
      began.push("f");
      return { rows: [], next: { after: 1, limit: 1 } };
    };
    const lists = Promise.all([inPieces({}, onePerPiece(rowsOf(3), began, "a")), inPieces({}, onePerPiece(rowsOf(3), began, "b"))]);
    const failed = Promise.allSettled([inPieces({}, failing)]);
    let turns = 0;
    let over = false;
    const others = (async () => {
      // oxlint-disable-next-line no-unmodified-loop-condition -- ended below
      while (!over) {
        await new Promise((resolve) => setImmediate(resolve));
        turns += 1;
      }
    })();
    expect(await lists).toEqual([rowsOf(3), rowsOf(3)]);
    over = true;
    await others;
    expect(await failed).toMatchObject([{ status: "rejected", reason: { message: "the state is gone" } }]);
    expect(began).toEqual(["a", "b", "f", "a", "b", "a", "b", "a", "b"]);
    expect(turns).toBeGreaterThanOrEqual(6);
  });
});
