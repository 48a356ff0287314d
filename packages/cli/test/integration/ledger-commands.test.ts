/** The commands that write to the ledger, each against a real chain: what they say, what the ledger says, what they refuse. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeyPair, mnemonicOf } from "@tfgrid/primitives";
import { testing } from "@tfgrid/tfchain";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createProgram } from "../../src/commands/index.ts";
import { endpointsFile } from "../../src/endpoints.ts";

type TestChain = Awaited<ReturnType<typeof testing.startTestChain>>;
interface Answer {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}
/** What --json printed. */
type Json = Readonly<Record<string, never>> & { readonly error?: { readonly code: string; readonly message: string; readonly cure: string } };

const TFT = 10_000_000n;
const CID = "bafyreigaknpexyvxt76zgkitavbwx6ejgfheup5oybpm77f3pxzrvwpfdi";
let grid: TestChain;
let stateDir: string;

function endpoints(url: string): object {
  const place = { gateway: { address: "127.0.0.1", domain: "gw.test", http: url, https: url }, registry: { name: "reg", url, registriesConf: "" } };
  const servers = { notary: [url], relays: ["/dns4/relay.test/tcp/1"], explorer: url, dashboard: url };
  return { gridId: "test", chain: { url, urls: [url], trust: grid.trust }, ...servers, ...place, agentTwinId: 1, userTwinId: 2, farmId: 1 };
}

beforeAll(async () => {
  grid = await testing.startTestChain({
    blockIntervalMs: 5,
    params: { heartbeatIntervalMs: 60_000, settlementIntervalMs: 1_000 },
    charter: { certifiers: [testing.testKey("bob").account], feeders: [testing.testKey("alice").account], terms: { version: 3, document: CID as never } },
  });
  stateDir = mkdtempSync(join(tmpdir(), "tfgrid-cli-"));
  writeFileSync(endpointsFile(stateDir), JSON.stringify(endpoints(grid.url)));
});
afterAll(async () => {
  await grid.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

function wordsOf(name: string, key: KeyPair = testing.testKey(name)): string {
  const file = join(stateDir, `${name}.mnemonic`);
  writeFileSync(file, mnemonicOf(key.secretSeed), { mode: 0o600 });
  return file;
}

/** As the program itself, without a process for each of many commands. */
async function tfgrid(name: string, ...words: readonly string[]): Promise<Answer> {
  let [out, err] = ["", ""];
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => ((out += String(text)), true)),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true)),
  ];
  try {
    const program = createProgram({ version: "test", signal: AbortSignal.timeout(60_000) });
    await program.parseAsync(["node", "tfgrid", "--state", stateDir, "--mnemonic-file", wordsOf(name), ...words]);
    return { exit: Number(process.exitCode ?? 0), out, err };
  } finally {
    process.exitCode = 0;
    for (const spy of spies) spy.mockRestore();
  }
}
async function done(name: string, ...words: readonly string[]): Promise<string> {
  const { exit, out, err } = await tfgrid(name, ...words);
  expect([words.join(" "), exit, err]).toEqual([words.join(" "), 0, ""]);
  return out;
}
const json = async (name: string, ...words: readonly string[]): Promise<Json> => JSON.parse(await done(name, "--json", ...words)) as Json;
async function refused(code: string, name: string, ...words: readonly string[]): Promise<string> {
  const people = await tfgrid(name, ...words);
  const { exit, out } = await tfgrid(name, "--json", ...words);
  const { error } = JSON.parse(out) as Json;
  expect([words.join(" "), exit, error?.code]).toEqual([words.join(" "), 1, code]);
  expect(people.err).toContain("next");
  expect(error?.cure.length).toBeGreaterThan(10);
  return error?.message ?? "";
}
const twinOf = async (name: string): Promise<number> => (await grid.client.twinByAccount(testing.testKey(name).account))!.id;

describe("the ledger's commands", () => {
  it("need a twin, and the terms in force", async () => {
    await refused("cli.no_twin", "alice", "stake");
    for (const name of ["alice", "bob", "carol", "dave", "farmer"]) await done(name, "twin", "create");
    await refused("twins.terms_not_accepted", "farmer", "farm", "create", "north");
    expect(await done("alice", "twin", "terms")).toContain("tfgrid twin terms --accept");
    for (const name of ["alice", "bob", "carol", "dave", "farmer"]) await done(name, "twin", "terms", "--accept");
    expect(await json("alice", "twin", "terms")).toMatchObject({ inForce: { version: 3 }, accepted: { version: 3 } });
    await done("farmer", "farm", "create", "north");
  });

  it("wallet: history of what came and went", async () => {
    await done("alice", "wallet", "transfer", String(await twinOf("bob")), "12.5");
    const { entries } = await json("bob", "wallet", "history");
    expect(entries).toMatchObject([{ units: "125000000", what: `received from ${testing.testKey("alice").account}` }]);
    expect(await done("alice", "wallet", "history", "--limit", "1")).toContain("-12.5");
    await refused("cli.bad_argument", "alice", "wallet", "transfer", "2", "0");
    await refused("cli.bad_argument", "alice", "wallet", "history", "--from", "999999999");
    expect(await refused("cli.bad_argument", "alice", "wallet", "transfer", "nobody", "1")).toContain("is not an account");
  });

  it("wallet: what is burned is gone, and only when it is meant", async () => {
    const before = (await grid.client.supply()).burnedUnits;
    await refused("cli.not_confirmed", "alice", "wallet", "burn", "1.5");
    expect(await done("alice", "wallet", "burn", "1.5", "--yes")).toContain("1.5 TFT are gone for ever");
    expect((await grid.client.supply()).burnedUnits).toBe(before + 15_000_000n);
  });

  it("look: what cannot be looked at is refused instead of answered with nothing", async () => {
    expect(await done("alice", "events", "--from", "1")).toContain("twins.created");
    await refused("cli.bad_argument", "alice", "events", "--from", "yesterday");
    await refused("cli.bad_argument", "alice", "events", "--from", "999999999");
    expect(await json("alice", "chain", "status", "--rpc", grid.url)).toMatchObject([{ ok: true }]);
    await refused("cli.bad_argument", "alice", "chain", "status", "--rpc", "nowhere");
    const silent = await tfgrid("alice", "--json", "chain", "status", "--rpc", "http://127.0.0.1:9");
    expect([silent.exit, JSON.parse(silent.out)]).toMatchObject([1, [{ ok: false }]]);
  });

  it("--access: a ledger alone makes twins, and what needs more says so", async () => {
    const access = join(stateDir, "access.json");
    writeFileSync(access, JSON.stringify({ urls: [grid.url], trust: grid.trust }));
    await done("alice", "wallet", "transfer", testing.testKey("frank").account, "10");
    // Relays of this machine's grid are of no use on another ledger.
    expect(await json("frank", "--access", access, "twin", "create")).toMatchObject({ relays: [] });
    for (const words of [["status"], ["image", "push", stateDir, "x:1"]]) await refused("cli.local_grid_only", "frank", "--access", access, ...words);
    await refused("cli.no_such_file", "frank", "--access", `${access}.not`, "wallet");
  });

  it("stake: locked, told, and not to be had before its time", async () => {
    expect(await done("alice", "stake", "add", "100", "--level", "1")).toContain("100 TFT are locked until");
    expect(await json("alice", "stake")).toMatchObject({ stake: { amountUnits: String(100n * TFT), level: 1 }, discount: { percent: 30 } });
    expect(await done("alice", "stake", "show")).toMatch(/LEVEL\s+LOCK\s+DISCOUNT/);
    await refused("accounts.stake_locked", "alice", "stake", "withdraw");
    await refused("cli.bad_argument", "alice", "stake", "add", "1", "--level", "9");
  });

  it("rent: a whole node, prepaid, cancelled with the rest returned", async () => {
    const node = String(await grid.addNode({ farm: "north", key: testing.testKey("carol") }));
    expect(await json("bob", "rent", "create", node, "100")).toMatchObject({ contractId: 1 });
    await refused("contracts.node_rented", "dave", "rent", "create", node, "100");
    expect(await done("bob", "rent", "deposit", node, "5")).toContain("5 TFT more");
    expect(await json("bob", "rent", "list")).toMatchObject([{ type: "rent", nodeId: Number(node) }]);
    expect(await json("dave", "rent", "list")).toEqual([]);
    expect(await json("dave", "rent", "list", "--all")).toHaveLength(1);
    await refused("contracts.not_owner", "dave", "rent", "cancel", node);
    expect(await done("bob", "contract", "deposit", "1", "1")).toContain("contract 1");
    expect(await done("bob", "rent", "cancel", node)).toMatch(/has ended; 10[0-9.]+ TFT came back/);
    await refused("cli.not_found", "bob", "rent", "cancel", node);
    await refused("contracts.not_active", "bob", "contract", "cancel", "1");
  });

  it("service contracts: proposed, agreed by both, billed, ended", async () => {
    const carol = String(await twinOf("carol"));
    const { serviceId } = await json("bob", "service", "create", carol, "--base", "1", "--variable", "2", "--note", "dns");
    const id = String(serviceId);
    await refused("services.not_agreed", "carol", "service", "bill", id);
    expect(await done("carol", "service", "update", id, "--base", "3", "--note", "dns")).toContain("new fees");
    expect(await done("bob", "service", "approve", id)).toContain("the other side has not yet");
    await done("bob", "service", "deposit", id, "10");
    expect(await done("carol", "service", "approve", id)).toContain("both sides agreed");
    await refused("services.variable_too_high", "carol", "service", "bill", id, "--variable", "5");
    expect(await done("carol", "service", "bill", id)).toContain("TFT paid");
    expect(await done("bob", "service", "show", id)).toMatch(/agreed.*3 \+ 0/);
    expect(await json("dave", "service", "list")).toEqual([]);
    expect(await json("bob", "service", "list")).toHaveLength(1);
    expect(await done("bob", "service", "cancel", id)).toMatch(/9\.9[0-9]+ TFT came back/);
    await refused("cli.bad_argument", "bob", "service", "create", String(await twinOf("bob")));
  });

  it("governance: proposed, voted, shown; ranges hold", async () => {
    expect(await json("alice", "governance", "parameters")).toContainEqual({ name: "pricing.cuMicroUsdPerHour", value: 30_560, min: 100, max: 1_000_000 });
    await refused("governance.out_of_range", "bob", "governance", "propose", "parameter", "pricing.cuMicroUsdPerHour", "1");
    expect(await refused("cli.bad_argument", "bob", "governance", "propose", "weather", "sun")).toContain("parameter NAME VALUE");
    const { proposalId } = await json("bob", "governance", "propose", "parameter", "pricing.cuMicroUsdPerHour", "40000");
    const id = String(proposalId);
    expect(await done("alice", "governance", "vote", id, "yes")).toMatch(/voted yes with \d+\.\d % of all power/);
    await refused("cli.bad_argument", "alice", "governance", "vote", id, "maybe");
    await refused("governance.no_power", "dave", "governance", "vote", id, "no");
    await refused("governance.no_power", "farmer", "governance", "vote", id, "no", "--farm", "north");
    await refused("governance.not_locked", "alice", "governance", "veto", id);
    expect(await done("dave", "governance", "show", id)).toMatch(/pricing\.cuMicroUsdPerHour = 40000[\s\S]*needs\s+20 % of all power/);
    const v = testing.testKey("v1").account;
    await done("bob", "governance", "propose", "validators", `${v}:5`);
    await done("bob", "governance", "propose", "terms", "4", CID);
    await done("bob", "governance", "propose", "os-release", "1.1", CID);
    await done("bob", "governance", "propose", "certifiers", v);
    expect(await json("dave", "governance", "list")).toHaveLength(5);
    expect(await json("dave", "governance", "offices")).toMatchObject({ terms: { version: 3 }, validatorSet: { validators: [] }, misbehaviours: [] });
    expect(await done("dave", "governance", "offices")).toContain("the chain's one authority");
  });

  it("farm: addresses, payout, handed over in two steps", async () => {
    await done("farmer", "farm", "add-ip", "north", "185.69.166.10/24", "185.69.166.1");
    await refused("farms.bad_ip", "farmer", "farm", "add-ip", "north", "127.0.0.1/24", "127.0.0.2");
    expect(await done("dave", "farm", "ips", "north")).toContain("185.69.166.10/24");
    await done("farmer", "farm", "remove-ip", "north", "185.69.166.10/24");
    expect(await done("farmer", "farm", "payout", "north", testing.testKey("bob").account)).toContain(testing.testKey("bob").account);
    await done("farmer", "farm", "payout", "north", "owner");
    await refused("farms.price_out_of_range", "farmer", "farm", "pricing", "north", "--compute", "20");
    await refused("farms.not_owner", "bob", "farm", "pricing", "north", "--compute", "90");
    expect(await done("farmer", "farm", "pricing", "north", "--compute", "80", "--rent-discount", "60")).toContain("80 % of the ledger's prices");
    await done("farmer", "farm", "pricing", "north", "--traffic", "120");
    expect(await json("dave", "farm", "pricing", "north")).toMatchObject({
      terms: { computePercent: 80, trafficPercent: 100, rentDiscountPercent: 60 },
      next: { terms: { computePercent: 80, trafficPercent: 120, rentDiscountPercent: 60 } },
    });
    expect(await done("dave", "farm", "pricing", "north")).toMatch(/announced\s+80 %.*traffic 120 %/);
    expect(await done("dave", "farm", "list")).toContain("80 %");
    const nodeId = (await grid.client.nodes())[0]!.id;
    await refused("nodes.not_farmer", "bob", "node", "power", String(nodeId), "down");
    await refused("cli.bad_argument", "farmer", "node", "cordon", String(nodeId), "--notice", "999999");
    await refused("cli.bad_argument", "farmer", "node", "cordon", String(nodeId), "--notice", "-3");
    expect(await json("farmer", "node", "cordon", String(nodeId), "--notice", "0.5")).toMatchObject({ mode: "cordon" });
    await done("farmer", "node", "uncordon", String(nodeId));
    expect(await done("farmer", "node", "power", String(nodeId), "down")).toContain("wanted off");
    expect(await done("dave", "node", "show", String(nodeId))).toContain("going to sleep");
    await grid.client.submit(testing.testKey("carol"), [{ type: "nodes.sleep", nodeId }]);
    expect(await done("dave", "node", "list")).toContain("asleep");
    expect(await done("farmer", "node", "power", String(nodeId), "up")).toContain("wanted on");
    expect(await done("dave", "node", "list")).toContain("waking");
    await done("farmer", "farm", "offer", "north", String(await twinOf("dave")));
    await refused("farms.not_offered", "bob", "farm", "accept", "north");
    expect(await done("dave", "farm", "accept", "north")).toContain("with its nodes");
    await refused("farms.has_nodes", "dave", "farm", "delete", "north");
    await done("farmer", "farm", "create", "south");
    await refused("cli.bad_argument", "farmer", "farm", "update", "south");
    await refused("farms.name_taken", "farmer", "farm", "update", "south", "--name", "north");
    expect(await done("farmer", "farm", "update", "south", "--name", "west", "--dedicated", "yes")).toContain(`is "west", rented whole only`);
    expect(await grid.client.farmByName("west")).toMatchObject({ dedicated: true });
    await done("farmer", "farm", "update", "west", "--dedicated", "no");
    expect(await grid.client.farmByName("west")).toMatchObject({ dedicated: false });
    await done("farmer", "farm", "delete", "west");
  });

  it("certifiers: what a node and a farm are, and what of their claims is false", async () => {
    const nodeId = (await grid.client.nodes())[0]!.id;
    await refused("governance.not_a_certifier", "dave", "node", "certify", String(nodeId), "certified");
    expect(await done("bob", "node", "certify", String(nodeId), "certified")).toContain("is certified");
    expect((await grid.client.node(nodeId))?.certification).toBe("certified");
    await done("bob", "node", "certify", String(nodeId), "diy");
    await refused("governance.not_a_certifier", "dave", "farm", "certify", "north", "gold");
    expect(await done("bob", "farm", "certify", "north", "gold")).toContain("is gold");
    expect(await done("bob", "node", "contradict", String(nodeId), "nodes.no_such_disk")).toContain("you contradict node");
    await refused("nodes.violation_known", "bob", "node", "contradict", String(nodeId), "nodes.no_such_disk");
  });

  it("reputation, rewards, price", async () => {
    expect(await json("bob", "reputation", "show", "node", "1")).toMatchObject({ nodeId: 1 });
    expect(await done("bob", "reputation", "show", "farm", "1")).toMatch(/score\s+\d+ of 1000/);
    expect(await json("bob", "reputation", "list")).toHaveLength(1);
    await refused("cli.bad_argument", "bob", "reputation", "show", "planet", "1");
    await refused("cli.bad_argument", "bob", "reputation", "review", "1", "101");
    expect(await done("bob", "reputation", "review", "1", "90")).toContain("90 of 100");
    await refused("cli.bad_argument", "bob", "reputation", "dispute", "1", "--document", "no-cid");
    await done("bob", "reputation", "dispute", "1", "--document", CID);
    expect(await json("dave", "reputation", "disputes")).toMatchObject([{ state: "open", contractId: 1 }]);
    await refused("governance.not_a_certifier", "dave", "reputation", "resolve", "1", "upheld");
    await refused("cli.bad_argument", "dave", "reputation", "resolve", "1", "perhaps");
    expect(await json("bob", "rewards", "show", "1")).toEqual([]);
    expect(await done("bob", "price")).toMatch(/1 TFT\s+0\.08 USD/);
    await done("alice", "price", "feed", "0.09");
    expect(await json("bob", "price", "show")).toMatchObject({ feeds: [{ tftPriceMicroUsd: 90_000 }] });
    await refused("governance.not_a_feeder", "bob", "price", "feed", "0.09");
    await refused("cli.bad_argument", "alice", "price", "feed", "-1");
  });

  it("twin: a new key, another holder, the end", async () => {
    const twin = await twinOf("dave");
    const next = wordsOf("dave2");
    await done("dave", "twin", "rotate", next);
    expect((await grid.client.twin(twin as never))?.account).toBe(testing.testKey("dave2").account);
    await refused("cli.no_twin", "dave", "twin", "offer", testing.testKey("eve").account);
    await refused("nodes.not_farmer", "bob", "node", "delete", "1");
    expect(await done("dave2", "node", "delete", "1")).toContain("has left the grid");
    expect(await json("bob", "node", "list")).toEqual([]);
    await refused("cli.no_such_file", "dave2", "twin", "rotate", join(stateDir, "missing"));
    await done("alice", "wallet", "transfer", testing.testKey("eve").account, "10");
    await done("dave2", "twin", "offer", testing.testKey("eve").account);
    expect(await done("eve", "twin", "accept", String(twin))).toContain("is yours");
    await refused("cli.not_confirmed", "eve", "twin", "close");
    await refused("twins.still_needed", "eve", "twin", "close", "--yes");
    await done("agent", "twin", "create");
    expect(await done("agent", "twin", "close", "--yes")).toContain("is closed");
  });
});
