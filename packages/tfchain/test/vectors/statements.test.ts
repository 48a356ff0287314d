/** Transactions, headers and state proofs, byte by byte: what another implementation must produce and accept. */
import { readFileSync } from "node:fs";
import { bytesToHex, decode, domainBytes, encode, hexToBytes, keyPairFromSeed, sha256, utf8, verify } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { type StateProof, header, headerHash, listRoot, stateProof, verifyStateProof } from "../../src/light/index.ts";
import { createRuntime } from "../../src/runtime/index.ts";
import { memoryStorage, openState } from "../../src/state/index.ts";
import { signedTransaction, transactionBody } from "../../src/types/calls.ts";

const load = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../vectors/${name}`, import.meta.url), "utf8"));

interface Statement {
  readonly name: string;
  readonly seed: string;
  readonly signBytes: string;
  readonly signature: never;
}
interface Transaction extends Statement {
  readonly body: unknown;
  readonly bodyBytes: string;
  readonly transaction: string;
  readonly hash: string;
  readonly sizeBytes: number;
}
const transactions = load("transactions.json") as { readonly cases: readonly Transaction[] };

describe("transactions", () => {
  it.each(transactions.cases)("$name", (row) => {
    const key = keyPairFromSeed(hexToBytes(row.seed));
    const body = transactionBody.fromJson(row.body);
    const bodyBytes = encode(transactionBody, body);
    expect(bytesToHex(bodyBytes)).toBe(row.bodyBytes);
    expect(bytesToHex(utf8("tfgrid/tx/v1"))).toBe(row.signBytes.slice(0, 24));
    expect(row.signBytes).toBe(`${bytesToHex(utf8("tfgrid/tx/v1"))}00${row.bodyBytes}`);
    expect(key.sign("tfgrid/tx/v1", bodyBytes)).toBe(row.signature);
    expect(bytesToHex(encode(signedTransaction, { body, signature: row.signature }))).toBe(row.transaction);
    const decoded = createRuntime().decodeTx(hexToBytes(row.transaction), row.sizeBytes);
    expect(decoded).toMatchObject({ hash: row.hash, sizeBytes: row.sizeBytes, tx: { body } });
    expect(bytesToHex(decoded.signBytes)).toBe(row.signBytes);
    expect(verify({ account: body.signer, domain: "tfgrid/tx/v1", message: bodyBytes, signature: row.signature })).toBe(true);
    expect(verify({ account: body.signer, domain: "tfgrid/header/v1", message: bodyBytes, signature: row.signature })).toBe(false);
  });
});

const headers = load("headers.json") as {
  readonly headers: readonly (Statement & { readonly header: unknown; readonly headerBytes: string; readonly hash: string })[];
  readonly txsRoots: readonly { readonly hashes: readonly string[]; readonly root: string }[];
};

describe("headers of the solo engine", () => {
  it.each(headers.headers)("$name", (row) => {
    const value = header.fromJson(row.header);
    const bytes = encode(header, value);
    expect(bytesToHex(bytes)).toBe(row.headerBytes);
    expect(headerHash(value)).toBe(row.hash);
    expect(bytesToHex(sha256(bytes))).toBe(row.hash);
    expect(bytesToHex(domainBytes("tfgrid/header/v1", bytes))).toBe(row.signBytes);
    expect(keyPairFromSeed(hexToBytes(row.seed)).sign("tfgrid/header/v1", bytes)).toBe(row.signature);
  });

  it.each(headers.txsRoots)("root of $hashes.length transactions", ({ hashes, root }) => {
    expect(bytesToHex(listRoot(hashes.map(hexToBytes)))).toBe(root);
  });
});

interface Claim {
  readonly root: never;
  readonly key: string;
  readonly value: string | null;
  readonly proof: unknown;
}
const proofs = load("proofs.json") as {
  readonly rows: readonly { readonly state: string; readonly rows?: Readonly<Record<string, string>> }[];
  readonly cases: readonly (Claim & { readonly state: string; readonly proofBytes: string })[];
  readonly falseCases: readonly (Claim & { readonly why: string })[];
};
const holds = ({ root, key, value, proof }: Claim): boolean =>
  verifyStateProof({ root, key, value: value === null ? undefined : hexToBytes(value), proof: stateProof.fromJson(proof) as StateProof });

describe("state proofs", () => {
  it.each(proofs.cases)("$state: $key", (row) => {
    expect(holds(row)).toBe(true);
    const proof = stateProof.fromJson(row.proof);
    expect(bytesToHex(encode(stateProof, proof))).toBe(row.proofBytes);
    expect(decode(stateProof, hexToBytes(row.proofBytes), { maxBytes: 16_384 })).toEqual(proof);
  });

  it("come from these rows", () => {
    for (const { state: name, rows = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k/${index}`, `value ${index}`])) } of proofs.rows) {
      const state = openState(memoryStorage());
      const draft = state.draft();
      for (const [key, value] of Object.entries(rows)) draft.set(key, utf8(value));
      expect(draft.seal(0).root).toBe(proofs.cases.find((row) => row.state === name)?.root);
    }
  });

  it("that lie are refused", () => {
    expect(proofs.falseCases.length).toBeGreaterThan(40);
    expect(proofs.falseCases.filter(holds)).toEqual([]);
  });
});
