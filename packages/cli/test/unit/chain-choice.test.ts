/** The engine of a local grid is chosen once: a chain cannot go on under another one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keepChoice, validatorsOf } from "../../src/local-grid/chain-choice.ts";
import { layoutOf } from "../../src/local-grid/layout.ts";

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "tfgrid-choice-"));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

test("a new folder takes what is wanted, one authority when nothing is", () => {
  expect(validatorsOf(stateDir, undefined)).toBe(0);
  expect(validatorsOf(stateDir, 4)).toBe(4);
});

test("what was begun goes on without being named again, and nothing else does", () => {
  keepChoice(stateDir, { validators: 4, genesisTimeMs: 1 });
  expect(keepChoice(stateDir, { validators: 0, genesisTimeMs: 2 })).toEqual({ validators: 4, genesisTimeMs: 1 });
  expect(validatorsOf(stateDir, undefined)).toBe(4);
  expect(validatorsOf(stateDir, 4)).toBe(4);
  expect(() => validatorsOf(stateDir, 0)).toThrow(expect.objectContaining({ code: "cli.other_engine" }) as Error);
});

test("a folder from before there was a choice has one authority", () => {
  writeFileSync(join(stateDir, "genesis.json"), "{}");
  expect(validatorsOf(stateDir, undefined)).toBe(0);
  expect(() => validatorsOf(stateDir, 4)).toThrow(expect.objectContaining({ code: "cli.other_engine" }) as Error);
});

test("a damaged choice is told, never guessed", () => {
  writeFileSync(join(stateDir, "chain.json"), '{"validators":"many"}');
  expect(() => validatorsOf(stateDir, undefined)).toThrow(expect.objectContaining({ code: "cli.damaged_state" }) as Error);
});

test("four validators have an address each and no 3Node has one of them", () => {
  const layout = layoutOf({ stateDir, computeNodes: 3, validators: 4, subnet: "10.91.7" });
  expect(layout.chains.map(({ name, address }) => `${name} ${address}`)).toEqual(["chain-1 10.91.7.1", "chain-2 10.91.7.2", "chain-3 10.91.7.3", "chain-4 10.91.7.4"]);
  const addresses = new Set([...layout.chains, ...layout.nodes].map(({ address }) => address));
  expect(addresses.size).toBe(8);
});

test("one authority keeps the name and the folder that it had", () => {
  const { chains } = layoutOf({ stateDir, computeNodes: 1 });
  expect(chains).toMatchObject([{ name: "chain", dataDir: join(stateDir, "chain") }]);
});
