/** A chain that starts from an export is the same ledger: same rows, same answers, same outcomes from then on. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsonValue } from "@tfgrid/primitives";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Genesis, createRuntime, exportGenesis, genesisStart, genesisToJson, parseGenesis } from "../../src/runtime/index.ts";
import { CELLS, SECTIONS } from "../../src/runtime/export/layout.ts";
import { type Block, block, populated, transactionsOf } from "../support/random-modules.ts";
import { CHAIN, type Chain, MemoryState, keyOf } from "../unit/runtime-harness.ts";

const runtime = createRuntime();
const exported = (chain: Chain, chainId?: string): Genesis => exportGenesis(chain.state, { height: chain.height, timeMs: chain.timeMs, chainId });

/** Through text, as it goes from one machine to another. */
function started(genesis: Genesis): MemoryState {
  const state = new MemoryState();
  const read = parseGenesis(JSON.parse(JSON.stringify(genesisToJson(genesis))));
  runtime.initGenesis(state, read, { chainId: read.chainId, ...genesisStart(read) });
  return state;
}

function carryOut(chain: Chain, { afterMs }: Block, txs: readonly Uint8Array[], copy?: MemoryState): unknown[] {
  const outcomes: unknown[] = [];
  const endMs = chain.timeMs + afterMs;
  for (const nextMs of chain.idle(endMs)) {
    chain.timeMs = nextMs;
    chain.runtime.beginBlock(chain.state, chain.context());
    if (copy !== undefined) runtime.beginBlock(copy, chain.context());
  }
  outcomes.push(chain.next(endMs - chain.timeMs, txs));
  if (copy === undefined) return outcomes;
  runtime.beginBlock(copy, chain.context());
  expect(txs.map((tx) => runtime.deliverTx(copy, chain.context(), runtime.decodeTx(tx, 1 << 20)))).toEqual(outcomes[0]);
  return outcomes;
}

/** Every answer to every list and every single question that ids give. */
function answers(state: MemoryState): unknown {
  const read = runtime.queries(state);
  const page = { limit: 1_000 };
  const [twins, farms, nodes, proposals] = [read.twins(page), read.farms(page), read.nodes(page), read.proposals(page)];
  return {
    numbers: [read.params(), read.pricing(), read.policy(), read.charter(), read.supply(), read.fee(), read.price(), read.parameters()],
    lists: [twins, farms, nodes, proposals, read.contracts(page), read.solutions(page), read.services(page), read.misbehaviours(page), read.validatorSet()],
    ofTwins: twins.map(({ id, account }) => [read.account(account), read.stake(id), read.discount(id), read.acceptedTerms(id), read.twinOffer(id), read.reputation({ twinId: id })]),
    ofFarms: farms.map(({ id }) => [read.farmPayout(id), read.farmOffer(id), read.reputation({ farmId: id })]),
    ofNodes: nodes.map(({ id }) => [read.rewards(id), read.rentByNode(id), read.reputation({ nodeId: id }), read.contracts({ nodeId: id, ...page })]),
  };
}

const blocks = fc.array(block, { minLength: 8, maxLength: 20, size: "max" });

/** Every prefix and cell that the modules' sources declare. */
function declared(): string[] {
  const folder = fileURLToPath(new URL("../../src/runtime", import.meta.url));
  const sources = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts") && !name.startsWith("export/"));
  const text = sources.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const found = [...text.matchAll(/prefix: ["`]([a-z-]+)|idIndex<[^>]*>+\("([a-z-]+)"|cell\(\s*["`](meta\/[a-z-]+)/g)];
  return [...new Set(found.map(([, prefix, index, single]) => prefix ?? index ?? single ?? ""))];
}

describe("the layout of exports", () => {
  it("knows every table and cell that a module declares", () => {
    const elsewhere = ["meta/params", "meta/pricing", "meta/policy", "meta/charter", "meta/constitution"];
    const known = new Set([...Object.values(SECTIONS).map(({ prefix }) => prefix), ...Object.values(CELLS).map(({ key }) => key), ...elsewhere]);
    expect(declared().length).toBeGreaterThan(50);
    expect(declared().filter((name) => !known.has(name))).toEqual([]);
  });
});

describe("an exported ledger", () => {
  it("starts anew with the same content and goes on alike", () => {
    fc.assert(
      fc.property(blocks, blocks, (before, after) => {
        const chain = populated();
        for (const entry of before) carryOut(chain, entry, transactionsOf(chain, entry));
        const genesis = exported(chain);
        const copy = started(genesis);
        expect(copy.dump()).toBe(chain.state.dump());
        expect(answers(copy)).toEqual(answers(chain.state));
        expect(runtime.invariants(copy)).toEqual([]);
        expect(exportGenesis(copy, genesisStart(genesis))).toEqual(genesis);
        for (const entry of after) carryOut(chain, entry, transactionsOf(chain, entry), copy);
        expect(copy.dump()).toBe(chain.state.dump());
      }),
      { numRuns: 25, seed: 3, endOnFailure: true },
    );
  });

  it("under another name takes nothing that was signed for the old one", () => {
    const chain = populated();
    const copy = started(exported(chain, "another-chain"));
    const context = { chainId: "another-chain", height: chain.height + 1, timeMs: chain.timeMs + 1 };
    const tx = runtime.decodeTx(chain.signed(keyOf("user"), [{ type: "accounts.burn", amountUnits: 1n }]), 1 << 20);
    expect(() => runtime.checkTx(copy, context, tx)).toThrow(expect.objectContaining({ code: "tx.wrong_chain" }));
    expect(runtime.queries(copy).twins()).toEqual(chain.read.twins());
  });
});

type Json = { [key: string]: Json } & JsonValue;

describe("content that is not a ledger", () => {
  const chain = populated();
  const text = JSON.stringify(genesisToJson(exported(chain)));
  const refusal = (change: (genesis: Json) => void): string => {
    const genesis = JSON.parse(text) as Json;
    change(genesis);
    const start = { height: chain.height, timeMs: chain.timeMs };
    try {
      runtime.initGenesis(new MemoryState(), genesis, { chainId: CHAIN, ...start });
    } catch (error) {
      expect(error).toMatchObject({ code: "genesis.invalid" });
      return (error as Error).message;
    }
    return "taken";
  };
  const rows = (genesis: Json, name: string) => genesis["content"]!["sections"]![name] as unknown as { key: string; value: Record<string, unknown> }[];

  it("is refused, each with its reason", () => {
    expect(refusal(() => undefined)).toBe("taken");
    expect(refusal((genesis) => (rows(genesis, "accounts")[0]!.value["freeUnits"] = "1"))).toContain("all accounts hold");
    expect(refusal((genesis) => void rows(genesis, "due").pop())).toContain("due queue");
    expect(refusal((genesis) => void rows(genesis, "contracts").pop())).toContain("not consistent");
    expect(refusal((genesis) => void rows(genesis, "twins").push(rows(genesis, "twins")[0]!))).toContain("twice");
    expect(refusal((genesis) => (rows(genesis, "twins")[0]!.value["extra"] = 1))).toContain("unknown field");
    expect(refusal((genesis) => ((genesis["content"] as Json)["sections"]!["gifts"] = [] as never))).toContain("gifts is unknown");
    expect(refusal((genesis) => ((genesis["content"] as Json)["height"] = 7 as never))).toContain("height 7");
  });
});
