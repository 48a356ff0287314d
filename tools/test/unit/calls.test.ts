/** What the ledger can do, somebody can ask it to: a call that no program makes is a promise to nobody. */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { chain } from "@tfgrid/tfchain";

const packages = join(dirname(fileURLToPath(import.meta.url)), "../../../packages");
/** Whose programs people and machines run. */
const PROGRAMS = ["cli", "zero-os", "it-contract"];

const textOf = (room: string): string =>
  readdirSync(join(packages, room, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(packages, room, "src", name), "utf8"))
    .join("\n");

describe("the ledger's calls", () => {
  it("are all made by some program", () => {
    const wire = chain.call.jsonSchema() as { oneOf?: readonly { properties: { type: { const: string } } }[] };
    const types = (wire.oneOf ?? []).map(({ properties }) => properties.type.const);
    expect(types.length).toBeGreaterThan(50);
    const text = PROGRAMS.map(textOf).join("\n");
    expect(types.filter((type) => !text.includes(`type: "${type}"`))).toEqual([]);
  });
});
