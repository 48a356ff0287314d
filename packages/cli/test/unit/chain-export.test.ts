/** A ledger that goes on elsewhere, as far as files and refusals go; the rest is proven in the ledger's own tests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemEntropy } from "@tfgrid/primitives";
import { runtime, testing } from "@tfgrid/tfchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exportTo, readExport } from "../../src/chain/export.ts";
import { initChain } from "../../src/chain/init.ts";
import { planGenesis } from "../../src/chain/plan.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-export-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const [foundation, validatorsPool] = [testing.testKey("foundation").account, testing.testKey("pool").account];
const from: runtime.Genesis = {
  ...runtime.defaultGenesis({ chainId: "old", foundation, validatorsPool, accounts: [] }),
  content: { height: 41, timeMs: 5, genesisUnits: 0n, cells: {}, sections: {} },
};

describe("a chain that goes on with another's ledger", () => {
  it("keeps its content and numbers, and names its own validators", () => {
    const validator = testing.testKey("validator");
    const genesis = planGenesis({ chainId: "new", preset: "local", grants: [], foundation, validatorsPool, validators: [validator], from });
    expect(genesis).toEqual({ ...from, chainId: "new", validators: [{ publicKey: validator.account, power: 10 }] });
    expect(runtime.genesisStart(genesis)).toEqual({ height: 41, timeMs: 5 });
  });

  it("makes no wallets: everybody has theirs", () => {
    const home = join(folder, "chain");
    const servers = [{ folder: "", host: "127.0.0.1", rpcPort: 8_545, p2pPort: 26_656 }];
    const options = { home, engine: "solo", servers, chainId: "new", preset: "local", grants: [], foundation: undefined, validatorsPool: undefined, pace: "local", nowMs: 0 } as const;
    expect(initChain({ ...options, entropy: systemEntropy, from }).wallets).toEqual([]);
  });
});

describe("export", () => {
  it("refuses what is no server, what never ran, and to write over a file", async () => {
    const out = join(folder, "out.json");
    await expect(exportTo({ home: folder, out, chainId: undefined })).rejects.toMatchObject({ code: "cli.no_such_file" });
    writeFileSync(join(folder, "chain.json"), JSON.stringify({ dataDir: "data" }));
    await expect(exportTo({ home: folder, out, chainId: undefined })).rejects.toMatchObject({ code: "chain.nothing_to_export" });
    writeFileSync(out, "");
    await expect(exportTo({ home: folder, out, chainId: undefined })).rejects.toMatchObject({ code: "cli.bad_argument" });
  });

  it("is read again, or refused with a reason", () => {
    const file = join(folder, "genesis.json");
    expect(() => readExport(file)).toThrow(expect.objectContaining({ code: "cli.no_such_file" }));
    writeFileSync(file, "{");
    expect(() => readExport(file)).toThrow(expect.objectContaining({ code: "cli.bad_argument" }));
    writeFileSync(file, JSON.stringify(runtime.genesisToJson(from)));
    expect(readExport(file)).toEqual(from);
  });
});
