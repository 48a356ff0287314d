/** What is wrong is refused by code, with what to do next, and leaves nothing behind. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytesToHex, encode } from "../packages/primitives/src/index.ts";
import { type NodeContract, chain as types } from "../packages/tfchain/src/index.ts";
import type { Grid } from "../packages/sdk/src/index.ts";
import { type Json, type TestGrid, startGrid, until } from "./support/grid.ts";
import { PROBE_IMAGE, type Tenant, connect, endGrid, newTenant, probeOf, pushProbeImage, refusalOf, removeTenantFolders } from "./support/tenants.ts";

/** A refused transaction that took a block's room costs its fee; nothing here costs more than this. */
const FEES_UNITS = 100_000n;
let grid: TestGrid;
let owner: Tenant;
let chainUrl: string;
/** Reads that are asked often go by the typed client: a new process for each would take most of the test's time. */
let ledger: Grid;

interface FileOptions {
  readonly name: string;
  readonly image?: string;
  readonly budget?: string;
  readonly memory?: string;
  readonly service?: string;
  readonly grid?: string;
  readonly say?: string;
}

const compose = ({ name, image = PROBE_IMAGE, budget = "20 TFT/h", memory = "48m", service = "", grid: more = "", say = "one" }: FileOptions): string => `name: ${name}
x-grid:
  budget: ${budget}
  deposit: 100 TFT
${more}
services:
  web:
    image: ${image}
    environment: { NAME: "${say}" }
    stop_grace_period: 1s
    volumes: [ "data:/data" ]
    deploy: { resources: { limits: { cpus: "0.2", memory: ${memory}, pids: 50 } } }
${service}
volumes: { data: { x-size: 16m } }
`;

beforeAll(async () => {
  grid = await startGrid({ example: false, nodes: 1 });
  ledger = connect(grid);
  chainUrl = (await grid.status()).endpoints.chain.url;
  [owner] = await Promise.all([newTenant(grid, "owner"), pushProbeImage(grid)]);
});
afterAll(async () => {
  removeTenantFolders();
  await ledger.close();
  await endGrid(grid);
});

const walletOf = async (tenant: Tenant): Promise<{ readonly free: bigint; readonly held: bigint }> => {
  const { freeUnits, heldUnits } = await ledger.chain.account(tenant.keyPair.account);
  return { free: freeUnits, held: heldUnits };
};

/** Contracts, held money, namespaces and volumes of anyone: none. */
async function expectNothingLeft(): Promise<void> {
  expect(await ledger.chain.contracts({ active: true })).toEqual([]);
  expect((await ledger.chain.solutions({})).filter((solution) => solution.state !== "cancelled")).toEqual([]);
  await until("namespaces and volumes are gone", async () => {
    const namespaces = readdirSync("/run/netns").filter((name) => name.startsWith(grid.prefix) && /-(m|z)-/.test(name));
    const volumes = ["n1", "gw1"].flatMap((node) => readdirSync(join(grid.stateDir, "nodes", node, "volumes")).filter((name) => /^c\d+-/.test(name)));
    return namespaces.length + volumes.length === 0 ? true : undefined;
  });
}

describe("a file that cannot be carried out", () => {
  const refused: readonly { readonly what: string; readonly file: FileOptions; readonly code: string; readonly says: RegExp }[] = [
    { what: "an unsupported key, by key, file and line", file: { name: "bad", service: "    privileged: true" }, code: "it_contract.unsupported_key", says: /privileged.*compose\.yaml:13/s },
    { what: "a key that is misspelt", file: { name: "bad", service: "    enviroment: {}" }, code: "it_contract.unknown_key", says: /enviroment.*compose\.yaml:13/s },
    { what: "an image that no registry has", file: { name: "bad", image: "registry.grid.localhost/nothing:1" }, code: "it_contract.image_not_found", says: /registry\.grid\.localhost\/nothing:1/ },
    { what: "more than any node has", file: { name: "bad", memory: "64g" }, code: "it_contract.no_capacity", says: /memory/i },
    { what: "more than its budget", file: { name: "bad", budget: "0.0000001 TFT/h" }, code: "it_contract.over_budget", says: /TFT/ },
  ];
  it.each(refused)("names $what", async ({ file, code, says }) => {
    const before = await walletOf(owner);
    const error = await owner.refusal("solution", "deploy", owner.file(compose(file)));
    expect(error.code, error.message).toBe(code);
    expect(error.message).toMatch(says);
    expect(await walletOf(owner)).toEqual(before);
    await expectNothingLeft();
  });
});

describe("a wallet without money", () => {
  it("cannot hold a deposit, and loses no more than a fee", async () => {
    const poor = await newTenant(grid, "poor", "1");
    const before = await walletOf(poor);
    const error = await poor.refusal("solution", "deploy", poor.file(compose({ name: "dear" })));
    expect(error.code).toMatch(/^(accounts|tx)\.insufficient_balance$/);
    const after = await walletOf(poor);
    expect(before.free - after.free).toBeLessThanOrEqual(FEES_UNITS);
    expect(after.held).toBe(0n);
    await expectNothingLeft();
  });

  it("cannot register a twin, and is told where the money must go", async () => {
    const words = join(grid.stateDir, "nobody.words");
    const { account } = await grid.json("wallet", "new", "--output", words);
    const args = ["--mnemonic-file", words, "twin", "create"];
    const error = refusalOf(args, await grid.cli(...args));
    expect(error.code).toBe("tx.insufficient_balance");
    expect(`${error.message} ${error.cure}`).toContain(account);
    const plan = ["--mnemonic-file", words, "solution", "deploy", owner.file(compose({ name: "none" }))];
    expect(refusalOf(plan, await grid.cli(...plan)).code).toBe("cli.no_twin");
  });
});

async function rpc(method: string, params: unknown): Promise<Json> {
  return post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
}
async function post(body: string | Uint8Array<ArrayBuffer>): Promise<Json> {
  const response = await fetch(chainUrl, { method: "POST", headers: { "content-type": "application/json" }, body });
  return response.json();
}
const complete = (error: Json): string => {
  expect(typeof error.message).toBe("string");
  expect(error.cure.length).toBeGreaterThan(10);
  return error.code;
};

describe("a transaction", () => {
  /** To oneself: it moves nothing but its fee. */
  async function transfer(nonce: number, amountUnits: bigint): Promise<{ readonly body: types.TransactionBody; readonly signature: string }> {
    const { result: head } = await rpc("head", {});
    const to = owner.keyPair.account;
    const body = { chainId: head.chainId, signer: to, nonce, expiresAtHeight: head.height + 100, calls: [{ type: "accounts.transfer" as const, to, amountUnits }] } as types.TransactionBody;
    return { body, signature: owner.keyPair.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) };
  }
  const submit = (tx: Awaited<ReturnType<typeof transfer>>): Promise<Json> => rpc("tx.submit", { tx: bytesToHex(encode(types.signedTransaction, tx as never)) });
  const nonceNow = async (): Promise<number> => (await rpc("account", { id: owner.keyPair.account })).result.nonce;

  it("with a wrong signature is refused", async () => {
    const tx = await transfer(await nonceNow(), 1n);
    const other = await transfer(await nonceNow(), 2n);
    const before = await walletOf(owner);
    const { error } = await submit({ ...tx, signature: other.signature });
    expect(complete(error.data)).toBe("tx.bad_signature");
    expect(await walletOf(owner)).toEqual(before);
  });

  it("that is sent twice is carried out once; another one with its number is refused", async () => {
    const nonce = await nonceNow();
    const tx = await transfer(nonce, 1n);
    const first = (await submit(tx)).result;
    const afterFirst = await walletOf(owner);
    const second = (await submit(tx)).result;
    expect(second).toEqual(first);
    const { error, result } = await submit(await transfer(nonce, 3n));
    expect(complete(error?.data ?? result.error)).toBe("tx.bad_nonce");
    expect(await walletOf(owner)).toEqual(afterFirst);
    expect(await nonceNow()).toBe(nonce + 1);
  });
});

describe("a request that is no request", () => {
  it("to the ledger gets a code and a cure", async () => {
    expect(complete((await post("{")).error.data)).toBe("rpc.parse_error");
    expect(complete((await post("[]")).error.data)).toBe("rpc.invalid_request");
    expect(complete((await post(JSON.stringify({ id: 1 }))).error.data)).toBe("rpc.invalid_request");
    expect(complete((await rpc("admin.drop", {})).error.data)).toBe("rpc.unknown_method");
    expect(complete((await rpc("contract", { id: "one" })).error.data)).toMatch(/^(rpc\.invalid_params|codec\.invalid_value)$/);
    expect(complete((await rpc("contracts", { limit: 1_000_000 })).error.data)).toMatch(/^(rpc\.invalid_params|codec\.invalid_value)$/);
    expect(complete((await rpc("tx.submit", { tx: "00ff00" })).error.data)).toMatch(/^(rpc\.invalid_params|codec\.\w+)$/);
    expect(complete((await post(Buffer.alloc(2 * 1024 * 1024 + 65_536, 0x20))).error.data)).toBe("rpc.too_large");
    expect((await fetch(`${chainUrl}/health`)).ok).toBe(true);
  });

  it("to the notary gets a code and a cure", async () => {
    const { endpoints } = await grid.status();
    const [notary] = endpoints.notary;
    const cid = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    const ask = async (path: string, init: RequestInit = {}): Promise<Json> => {
      const response = await fetch(`${notary}${path}`, init);
      expect(response.ok).toBe(false);
      return response.json();
    };
    const cbor = { "content-type": "application/cbor" };
    expect(complete(await ask(`/documents/${cid}`))).toBe("notary.unauthorized");
    expect(complete(await ask(`/documents/${cid}`, { headers: { authorization: "TFGrid AAAA" } }))).toBe("notary.unauthorized");
    expect(complete(await ask("/documents/no-cid/proof"))).toMatch(/^(codec\.invalid_value|notary\.bad_request)$/);
    expect(complete(await ask("/shell"))).toBe("notary.bad_request");
    expect(complete(await ask(`/documents/${cid}`, { method: "PUT", headers: { "content-type": "application/json" }, body: "{}" }))).toMatch(/^notary\.(bad_request|unauthorized)$/);
    const large = await ask(`/documents/${cid}`, { method: "PUT", headers: cbor, body: Buffer.alloc(8 * 1024 * 1024) });
    expect(complete(large)).toMatch(/^notary\.(too_large|bad_request)$/);
    expect((await fetch(`${notary}/health`)).ok).toBe(true);
  });

  it("to the explorer gets a code and a cure", async () => {
    const { endpoints } = await grid.status();
    const ask = async (path: string, init: RequestInit = {}): Promise<Json> => {
      const response = await fetch(`${endpoints.explorer}${path}`, init);
      expect(response.ok, path).toBe(false);
      return response.json();
    };
    expect(complete(await ask("/nodes?size=many"))).toBe("explorer.invalid_parameter");
    expect(complete(await ask("/nodes?unheard_of=1"))).toBe("explorer.unknown_parameter");
    expect(complete(await ask("/nodes?sort_by=password"))).toMatch(/^explorer\.invalid_(sort|parameter)$/);
    expect(complete(await ask("/nodes/999999"))).toBe("explorer.not_found");
    expect(complete(await ask("/nodes", { method: "POST", body: "x".repeat(100_000) }))).toMatch(/^explorer\./);
  });
});

describe("two of three signers", () => {
  it("start a solution when the second has signed, and end it the same way", async () => {
    const [second, third, stranger] = await Promise.all([newTenant(grid, "second"), newTenant(grid, "third"), newTenant(grid, "stranger")]);
    const before = await walletOf(owner);
    const file = owner.file(compose({ name: "joint", grid: `  signers: [ ${owner.twinId}, ${second.twinId}, ${third.twinId} ]\n  threshold: 2` }));
    const proposed = await owner.json("solution", "deploy", file);
    expect(proposed).toMatchObject({ state: "proposed", version: 0, contracts: [] });
    expect(proposed.pending.signedBy).toEqual([owner.twinId]);
    const id = String(proposed.id);
    expect((await stranger.refusal("solution", "sign", id)).code).toMatch(/^(notary\.forbidden|solutions\.not_a_signer)$/);
    expect((await owner.refusal("solution", "sign", id)).code).toBe("solutions.already_signed");
    expect(await ledger.chain.contracts({ active: true })).toEqual([]);
    await third.json("solution", "sign", id);
    await until("it runs", async () => (await ledger.chain.solution(proposed.id))?.state === "running");
    expect((await owner.json("solution", "cancel", id)).state).toBe("running");
    await second.json("solution", "sign", id);
    await until("it is cancelled", async () => (await ledger.chain.solution(proposed.id))?.state === "cancelled");
    await expectNothingLeft();
    const after = await walletOf(owner);
    expect(after.held).toBe(0n);
    // What ran for a few seconds costs the shares of an hour that are billed, and the fees.
    expect(before.free - after.free).toBeLessThan(20n * 10_000_000n);
  });
});

describe("an instruction that was altered in the notary", () => {
  /** What someone with access to the notary's disk can do while it runs. */
  async function alter(cid: string): Promise<void> {
    const root = open({ path: join(grid.stateDir, "notary", "documents"), maxDbs: 8, noSubdir: false });
    const contents = root.openDB<Buffer, string>({ name: "contents", encoding: "binary" });
    const bytes = Buffer.from(contents.get(cid) ?? Buffer.alloc(0));
    expect(bytes.length).toBeGreaterThan(100);
    bytes[bytes.length - 10] = (bytes[bytes.length - 10] ?? 0) ^ 1;
    await contents.put(cid, bytes);
    await root.close();
  }

  it("is not carried out: the node keeps what runs and says so", async () => {
    const deployed = await owner.json("solution", "deploy", owner.file(compose({ name: "kept" })));
    const contractNow = async (): Promise<NodeContract> => (await ledger.chain.contract(deployed.contracts[0].id)) as NodeContract;
    const contract = await contractNow();
    const [running] = contract.report?.zmachines ?? [];
    const probe = await probeOf(owner, "kept", "web-1");
    const machine = probe.netns.slice(grid.prefix.length + 1).split("-")[0];
    const { pid } = (await grid.status()).programs.find((program: Json) => program.name === `node-${machine}`);
    process.kill(pid, "SIGSTOP"); // the new version lies in the notary for a moment before the node fetches it
    try {
      await owner.json("solution", "update", owner.file(compose({ name: "kept", say: "two" })), "--no-wait");
      const next = await until("the agent has written the new instruction", async () => {
        const now = await contractNow();
        return now.instruction === contract.instruction ? undefined : now.instruction;
      });
      await alter(next);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    const report = await until("the node reports the alteration", async () => {
      const now = (await contractNow()).report;
      return now?.code === "node.instruction_altered" ? now : undefined;
    });
    expect(report.message).toMatch(/notary/i);
    const [kept] = report.zmachines;
    expect([kept?.startedAtMs, kept?.restarts]).toEqual([running?.startedAtMs, running?.restarts]);
    expect(await probe.sh('echo "it says $NAME"')).toContain("it says one");
  });

  it("is refused by name when a person reads it", async () => {
    const solution = await ledger.chain.solutionByName(owner.twinId as never, "kept");
    await alter(solution?.document ?? "");
    expect((await owner.refusal("solution", "scale", "kept", "web=2")).code).toBe("notary.altered");
    await owner.json("solution", "cancel", "kept");
    await expectNothingLeft();
    expect((await walletOf(owner)).held).toBe(0n);
  });
});

describe("the wallet's words", () => {
  it("are told to be wrong, and never printed", async () => {
    const words = owner.file("these are not the words of anybody's wallet");
    const args = ["--mnemonic-file", words, "wallet", "show"];
    const result = await grid.cli(...args);
    expect(refusalOf(args, result).code).toBe("keys.bad_mnemonic");
    expect(result.stdout + result.stderr).not.toContain("anybody");
    expect(readFileSync(words, "utf8")).toContain("anybody");
  });
});
