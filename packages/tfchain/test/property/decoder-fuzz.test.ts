/** The kept corpus, and some seconds of fresh mutations whose seed is told: `npm run fuzz -- --seed N` repeats them for longer. */
import { describe, expect, it } from "vitest";
import { isCanonical } from "../fuzz/canonical.ts";
import { fuzz, readCorpus, runOne } from "../fuzz/runner.ts";
import { TARGETS } from "../fuzz/targets.ts";

const seed = Number(process.env["TFGRID_SEED"] ?? Date.now() % 2 ** 32);
const MS_PER_TARGET = 2_000;

describe("decoders of strangers' bytes", () => {
  it.each(TARGETS)("$name: the kept corpus does what it must", async (target) => {
    const corpus = readCorpus(target);
    expect(corpus.length).toBeGreaterThan(3);
    for (const input of corpus) await runOne(target, input);
  });

  it.each(TARGETS)(`$name: nothing that must not happen, seed ${seed}`, async (target) => {
    const { runs } = await fuzz(target, { seed, milliseconds: MS_PER_TARGET });
    expect(runs).toBeGreaterThan(20);
  });
});

describe("the fuzzer itself", () => {
  it("has a second opinion that knows what is not canonical", () => {
    const bad = ["1817", "190017", "1a00000017", "5f41004100ff", "9f01ff", "bf616101ff", "a2616201616101", "a2616101616101", "c11a00000000", "f7", "f93c00", "fb7ff0000000000000", "61ff", "0000", "82 01".replace(" ", "")];
    for (const hex of bad) expect([hex, isCanonical(Buffer.from(hex, "hex"))]).toEqual([hex, false]);
    for (const hex of ["00", "17", "1818", "190100", "20", "40", "60", "80", "a0", "a2616101626262f6", "f4", "f5", "f6", "1bffffffffffffffff"]) {
      expect([hex, isCanonical(Buffer.from(hex, "hex"))]).toEqual([hex, true]);
    }
  });

  it("finds a decoder that takes a second encoding", async () => {
    const lax = { name: "lax", text: false, seeds: () => [Buffer.from("1818", "hex")], run: (bytes: Uint8Array) => (bytes[0] === 0x19 && bytes.length === 3 && bytes[1] === 0 ? Promise.reject(new Error("taken")) : "refused") };
    await expect(fuzz(lax, { seed: 1, milliseconds: 5_000 })).rejects.toThrow("lax: taken");
  });
});
