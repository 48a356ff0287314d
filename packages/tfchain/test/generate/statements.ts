/** `node packages/tfchain/test/generate/statements.ts`: writes vectors/transactions.json, headers.json and proofs.json anew. */
import { type JsonValue, type KeyPair, bytesToHex, cidOf, domainBytes, encode, keyPairFromSeed, sha256, utf8 } from "@tfgrid/primitives";
import { type Header, header, headerBytes, headerHash, listRoot, stateProof } from "../../src/light/index.ts";
import { memoryStorage, openState } from "../../src/state/index.ts";
import { type Call, joinTokenBody, signedTransaction, transactionBody } from "../../src/types/calls.ts";
import { writeVectors } from "./write.ts";

const keyOf = (byte: number): KeyPair => keyPairFromSeed(new Uint8Array(32).fill(byte));
const [alice, bob, farmer] = [keyOf(1), keyOf(2), keyOf(3)];
const chainId = "vectors";
const document = cidOf(utf8("a document"));
const heightOf = (value: number) => transactionBody.fields.expiresAtHeight.fromCbor(value);

function transaction(name: string, key: KeyPair, fields: { readonly nonce: number; readonly calls: readonly Call[]; readonly maxFeeUnits?: bigint }): JsonValue {
  const body = { chainId, signer: key.account, expiresAtHeight: heightOf(1_000), ...fields };
  const bodyBytes = encode(transactionBody, body);
  const signature = key.sign("tfgrid/tx/v1", bodyBytes);
  const bytes = encode(signedTransaction, { body, signature });
  return {
    name,
    seed: bytesToHex(key.secretSeed),
    body: transactionBody.toJson(body),
    bodyBytes: bytesToHex(bodyBytes),
    signBytes: bytesToHex(domainBytes("tfgrid/tx/v1", bodyBytes)),
    signature,
    transaction: bytesToHex(bytes),
    hash: bytesToHex(sha256(bytes)),
    sizeBytes: bytes.length,
  };
}

function joinTokenOf(): Extract<Call, { type: "nodes.register" }>["joinToken"] {
  const body = { chainId, farmId: 1 as never, expiresAtMs: 1_800_000_000_000 };
  return { ...body, signature: farmer.sign("tfgrid/join-token/v1", encode(joinTokenBody, body)) };
}

const profile = {
  total: { cpuMilli: 16_000, memoryBytes: 64 * 2 ** 30, ssdBytes: 1_000 * 2 ** 30, hddBytes: 0 },
  location: { country: "Belgium", city: "Ghent", latitudeMicro: 51_050_000, longitudeMicro: -3_730_000 },
  interfaces: [{ name: "eth0", mac: "00:00:00:00:00:01", addresses: ["10.0.0.2/24"] }],
  meshKey: "07".repeat(32) as never,
  meshEndpoints: [],
  isolation: ["container" as const],
  softwareVersion: "0.1.0",
};
const create: Call = { type: "twins.create", relays: [], encryptionKey: bob.encryptionKey };

writeVectors("transactions.json", {
  about:
    "seed: Ed25519 seed of the signer. bodyBytes: canonical DAG-CBOR of body (keys, hashes and signatures as byte strings, CIDs as links, money as integers). signBytes: `tfgrid/tx/v1`, a zero byte, bodyBytes: what is signed by RFC 8032. transaction: canonical DAG-CBOR of {body, signature}. hash: SHA-256 of transaction.",
  cases: [
    transaction("one transfer", alice, { nonce: 0, calls: [{ type: "accounts.transfer", to: bob.account, amountUnits: 10_000_000n }] }),
    transaction("largest amount, bounded fee, large number", alice, { nonce: 4_294_967_296, maxFeeUnits: 20_000n, calls: [{ type: "accounts.transfer", to: bob.account, amountUnits: 2n ** 63n - 1n }] }),
    transaction("a batch: a node joins a farm", bob, { nonce: 0, calls: [create, { type: "nodes.register", joinToken: joinTokenOf(), ...profile }] }),
    transaction("a farm's own prices, and a node switched off", farmer, {
      nonce: 2,
      calls: [
        { type: "farms.set_pricing", farmId: 1 as never, terms: { computePercent: 80, ipv4Percent: 100, trafficPercent: 120, rentDiscountPercent: 60 } },
        { type: "farms.set_pricing", farmId: 2 as never, terms: null },
        { type: "nodes.set_power", nodeId: 1 as never, target: "down" },
      ],
    }),
    transaction("a node's last word before it sleeps", bob, { nonce: 1, calls: [{ type: "nodes.sleep", nodeId: 1 as never }] }),
    transaction("a link and nulls", alice, { nonce: 1, calls: [{ type: "notary.anchor", document, contractId: null, solutionId: null }] }),
  ],
});

const zero = "00".repeat(32) as Header["parentHash"];
function signedHeaderOf(name: string, fields: Pick<Header, "timeMs" | "parentHash" | "txsRoot" | "appHash"> & { readonly height: number }): JsonValue {
  const value: Header = { chainId, ...fields, height: heightOf(fields.height), authority: alice.account };
  const bytes = headerBytes(value);
  return {
    name,
    seed: bytesToHex(alice.secretSeed),
    header: header.toJson(value),
    headerBytes: bytesToHex(bytes),
    hash: headerHash(value),
    signBytes: bytesToHex(domainBytes("tfgrid/header/v1", bytes)),
    signature: alice.sign("tfgrid/header/v1", bytes),
  };
}

const leaves = Array.from({ length: 9 }, (_, index) => sha256(utf8(`transaction ${index}`)));
writeVectors("headers.json", {
  about:
    "Headers of the solo engine. headerBytes: canonical DAG-CBOR of header; hash: SHA-256 of it; signBytes: `tfgrid/header/v1`, a zero byte, headerBytes. txsRoots: root of a list of transaction hashes as in RFC 6962 with SHA-256: a leaf is H(00 | hash), a branch H(01 | left | right), the last of an odd level goes up as it is; no transaction: 32 zero bytes.",
  headers: [
    signedHeaderOf("genesis", { height: 0, timeMs: 0, parentHash: zero, txsRoot: zero, appHash: "11".repeat(32) as never }),
    signedHeaderOf("a block", { height: 70_000, timeMs: 1_800_000_000_123, parentHash: "22".repeat(32) as never, txsRoot: bytesToHex(listRoot(leaves.slice(0, 3))) as never, appHash: "33".repeat(32) as never }),
  ],
  txsRoots: [0, 1, 2, 3, 4, 5, 8, 9].map((count) => ({ hashes: leaves.slice(0, count).map(bytesToHex), root: bytesToHex(listRoot(leaves.slice(0, count))) })),
});

function stateOf(rows: Readonly<Record<string, string>>) {
  const storage = memoryStorage();
  const state = openState(storage);
  const draft = state.draft();
  for (const [key, value] of Object.entries(rows)) draft.set(key, utf8(value));
  const sealed = draft.seal(0);
  storage.write(sealed.ops);
  sealed.adopt();
  return state;
}

const small = { "a/1": "one", "a/2": "two", "b/1": "three", "b/2": "" };
const large = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k/${index}`, `value ${index}`]));
const cases: JsonValue[] = [];
const falseCases: JsonValue[] = [];
for (const [name, rows, keys] of [
  ["empty", {}, ["a/1"]],
  ["one row", { "a/1": "one" }, ["a/1", "a/2"]],
  ["four rows", small, ["a/1", "a/2", "b/1", "b/2", "c/1", "c/2"]],
  ["200 rows", large, ["k/0", "k/99", "k/199", "k/200", "absent", "other"]],
] as const) {
  const state = stateOf(rows);
  for (const key of keys) {
    const { value, proof } = state.prove(key);
    const claim = { root: state.root, key, value: value === undefined ? null : bytesToHex(value), proof: stateProof.toJson(proof), proofBytes: bytesToHex(encode(stateProof, proof)) };
    cases.push({ state: name, ...claim });
    falseCases.push({ ...claim, why: "another value", value: bytesToHex(utf8("a lie")) });
    if (value !== undefined) falseCases.push({ ...claim, why: "present, said to be absent", value: null });
    if (proof.siblings.length > 0) falseCases.push({ ...claim, why: "a sibling left out", proof: stateProof.toJson({ ...proof, siblings: proof.siblings.slice(1) }) });
    if (proof.leaf !== null) falseCases.push({ ...claim, why: "the leaf left out", proof: stateProof.toJson({ ...proof, leaf: null }) });
  }
}

writeVectors("proofs.json", {
  about:
    "State proofs. Rows are ASCII keys and bytes. A key's path is SHA-256 of the key, bit by bit from the highest. A leaf, H(00 | SHA-256(key) | SHA-256(value)), stands at the shallowest depth where it is alone; a branch is H(01 | left | right); an empty subtree is 32 zero bytes. siblings: from the root down. leaf: what the path ends in; null for an empty subtree; for an absent key it may be the leaf of another key that shares the path so far. value null: the claim is absence. proofBytes: canonical DAG-CBOR of proof.",
  rows: [{ state: "empty", rows: {} }, { state: "one row", rows: { "a/1": "one" } }, { state: "four rows", rows: small }, { state: "200 rows", rule: "k/0 to k/199 with the texts `value 0` to `value 199`" }],
  cases,
  falseCases,
});
