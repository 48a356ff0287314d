/** What `chain init` will write, before anything is written. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256, utf8 } from "@tfgrid/primitives";
import { runtime } from "@tfgrid/tfchain";
import { type InitOptions, initChain } from "../../src/chain/init.ts";
import { readAccess } from "../../src/chain/join.ts";
import { parseGrant, planServers } from "../../src/chain/plan.ts";

const coded = (code: string): Error => expect.objectContaining({ code }) as Error;

describe("servers", () => {
  const ports = { rpcPort: 8545, p2pPort: 26_656 };

  test("on one address take one port after the other", () => {
    expect(planServers({ validators: 2, hosts: ["10.0.0.1"], ...ports })).toEqual([
      { folder: "validator-1", host: "10.0.0.1", rpcPort: 8545, p2pPort: 26_656 },
      { folder: "validator-2", host: "10.0.0.1", rpcPort: 8546, p2pPort: 26_657 },
    ]);
  });

  test("with addresses of their own all have the same ports", () => {
    expect(planServers({ validators: 2, hosts: ["10.0.0.1", "10.0.0.2"], ...ports }).map(({ host, rpcPort }) => `${host}:${rpcPort}`)).toEqual(["10.0.0.1:8545", "10.0.0.2:8545"]);
  });

  test("need one address for all, or one each, and ports that exist", () => {
    expect(() => planServers({ validators: 3, hosts: ["10.0.0.1", "10.0.0.2"], ...ports })).toThrow(coded("cli.bad_argument"));
    expect(() => planServers({ validators: 2, hosts: ["10.0.0.1"], rpcPort: 65_535, p2pPort: 1 })).toThrow(coded("cli.bad_argument"));
  });
});

test.each(["", "abc=1", `${"a".repeat(64)}=`, `${"a".repeat(64)}=-1`, `${"A".repeat(64)}=1`])("%j is no account with an amount", (text) => {
  expect(() => parseGrant(text)).toThrow(coded("cli.bad_argument"));
});

describe("a new chain", () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "tfgrid-init-"));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  let drawn = 0;
  const entropy = { randomBytes: (length: number) => sha256(utf8(`entropy ${(drawn += 1)}`)).subarray(0, length) };
  const options = (more: Partial<InitOptions> = {}): InitOptions => ({
    home,
    engine: "cometbft",
    servers: planServers({ validators: 4, hosts: ["127.0.0.1"], rpcPort: 8545, p2pPort: 26_656 }),
    chainId: "mine",
    preset: "main",
    pace: "wide",
    grants: [],
    foundation: undefined,
    validatorsPool: undefined,
    entropy,
    nowMs: 1_700_000_000_000,
    ...more,
  });

  test("has one genesis for all, the same validators in cometbft's, and keys that only the owner reads", () => {
    const { servers, access, wallets } = initChain(options());
    const texts = servers.map(({ folder }) => readFileSync(join(folder, "genesis.json"), "utf8"));
    expect(new Set(texts).size).toBe(1);
    const genesis = runtime.parseGenesis(JSON.parse(texts[0] ?? ""));
    expect(genesis.validators?.map(({ publicKey }) => publicKey)).toEqual(servers.map(({ validator }) => validator));
    for (const { folder, peer } of servers) {
      const comet = JSON.parse(readFileSync(join(folder, "cometbft/config/genesis.json"), "utf8")) as { genesis_time: string; validators: { pub_key: { value: string } }[] };
      expect(comet.genesis_time).toBe("2023-11-14T22:13:20.000Z");
      expect(comet.validators.map(({ pub_key: key }) => Buffer.from(key.value, "base64").toString("hex"))).toEqual(servers.map(({ validator }) => validator));
      expect(statSync(join(folder, "cometbft/config/priv_validator_key.json")).mode & 0o777).toBe(0o600);
      // Every other server is a peer, the server itself is not.
      const config = readFileSync(join(folder, "cometbft/config/config.toml"), "utf8");
      expect(/persistent_peers = "(.*)"/.exec(config)?.[1]?.split(",").sort()).toEqual(servers.map((other) => other.peer).filter((other) => other !== peer).sort());
    }
    expect(readAccess(join(home, "access.json"))).toEqual(access);
    for (const { file } of wallets) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(wallets.map(({ role }) => role)).toEqual(["foundation", "validators-pool", "wallet"]);
  });

  test("is never made over another one", () => {
    initChain(options());
    expect(() => initChain(options())).toThrow(coded("cli.bad_argument"));
  });

  test("with engine solo has one authority", () => {
    expect(() => initChain(options({ engine: "solo" }))).toThrow(coded("cli.bad_argument"));
    rmSync(home, { recursive: true });
    const { access, servers } = initChain(options({ engine: "solo", servers: planServers({ validators: 1, hosts: ["127.0.0.1"], rpcPort: 8545, p2pPort: 1 }) }));
    expect(access.trust).toEqual({ chainId: "mine", authority: servers[0]?.validator });
  });
});
