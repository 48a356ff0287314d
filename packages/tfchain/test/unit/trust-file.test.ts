import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fileTrustStore } from "../../src/index.ts";
import { CLIENT_LIMITS } from "../../src/limits.ts";
import { makeChain, member } from "../support/comet-chain.ts";

const [first, second] = makeChain({ heights: 2, membersAt: () => [member("a")], genesisMs: 1_700_000_000_000 });
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-trust-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a kept header is what the next run begins with; it is written seldom", async () => {
  let nowMs = 1_000_000;
  const path = join(folder, "trusted.json");
  const store = fileTrustStore({ path, clock: { nowMs: () => nowMs } });
  expect(await store.load()).toBeUndefined();
  if (first === undefined || second === undefined) throw new Error("two headers were made");
  await store.save(first);
  nowMs += CLIENT_LIMITS.trustFileMs - 1;
  await store.save(second);
  expect(await fileTrustStore({ path }).load()).toEqual(first);
  nowMs += 1;
  await store.save(second);
  expect(await fileTrustStore({ path }).load()).toEqual(second);
});

test("a file that cannot be read, or a folder that cannot be written to, is said and stops nothing", async () => {
  const said: string[] = [];
  const logger = { debug: () => undefined, info: () => undefined, warn: (message: string) => void said.push(message), error: () => undefined, child: () => logger };
  const path = join(folder, "trusted.json");
  writeFileSync(path, readFileSync(new URL(import.meta.url)).subarray(0, 100));
  expect(await fileTrustStore({ path, logger }).load()).toBeUndefined();
  await fileTrustStore({ path: join(folder, "none", "trusted.json"), logger }).save(first as NonNullable<typeof first>);
  expect(said).toHaveLength(2);
});
