import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { idsPerContract } from "../../src/drivers/compute/owners.ts";

describe("how owners are kept apart stays as it was when the data folder began", () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "owners-"));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  test.each([true, false])("a new folder takes what the machine can do: %s", async (able) => {
    expect(await idsPerContract({ dataDir, able })).toBe(able);
    expect(await idsPerContract({ dataDir, able })).toBe(able);
  });

  test("a kernel that can do more leaves the owners of volumes as they are", async () => {
    await idsPerContract({ dataDir, able: false });
    expect(await idsPerContract({ dataDir, able: true })).toBe(false);
  });

  test("a kernel that can do less is refused before a tenant meets files that it cannot open", async () => {
    await idsPerContract({ dataDir, able: true });
    await expect(idsPerContract({ dataDir, able: false })).rejects.toMatchObject({ code: "compute.owners_lost" });
  });

  test("a folder whose choice cannot be read is not guessed at", async () => {
    await writeFile(join(dataDir, "owners.json"), '{"idsPerContract":"yes"}');
    await expect(idsPerContract({ dataDir, able: true })).rejects.toMatchObject({ code: "codec.invalid_value" });
  });
});
