/**
 * What strangers' bytes reach, and what must hold for any bytes: a value or an error of ours, never another exception; no second
 * encoding of a value; nothing believed that is not so. `run` answers in words how it went: new words are new ground.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Schema, bytesToHex, decode, domainBytes, encode, equalBytes, hexToBytes, isGridError, s, sha256, silentLogger, utf8 } from "@tfgrid/primitives";
import { FrameReader, frameHead } from "../../src/engines/cometbft/frames.ts";
import { RequestSchema } from "../../src/engines/cometbft/wire/index.ts";
import { recordedChain } from "../../src/engines/index.ts";
import { signedHeader } from "../../src/light/signed-header.ts";
import { stateProof, verifyStateProof } from "../../src/light/index.ts";
import { answer, parseJson } from "../../src/rpc/dispatch.ts";
import type { Handler } from "../../src/rpc/dispatch.ts";
import { createRuntime, exportGenesis, genesisToJson, parseGenesis } from "../../src/runtime/index.ts";
import { memoryStorage, openState } from "../../src/state/index.ts";
import { ChunkPacker, infoOf, parseManifest, rowsOfChunk } from "../../src/state/snapshot-format.ts";
import { joinToken, signedTransaction, transactionBody } from "../../src/types/calls.ts";
import { MemoryState } from "../unit/runtime-harness.ts";
import { isCanonical } from "./canonical.ts";
import { rpcHandlers } from "./handlers.ts";

export interface Target {
  readonly name: string;
  readonly text: boolean;
  readonly seeds: () => readonly Uint8Array[];
  /** @throws AssertionError, or whatever must not be thrown */
  readonly run: (bytes: Uint8Array) => string | Promise<string>;
}

const chain = recordedChain.fromJson(JSON.parse(readFileSync(new URL("../../vectors/chain.json", import.meta.url), "utf8")));
const transactions = chain.blocks.flatMap(({ txs }) => txs.map(hexToBytes));
const runtime = createRuntime();
const MAX_BYTES = 1 << 20;

/** How it was refused, without what is special to this input. */
export function wordsOf(error: unknown): string {
  if (!isGridError(error)) throw error;
  return `${error.code}: ${error.message.replaceAll(/[0-9a-f]{8,}|\d+|"[^"]*"/g, "#").slice(0, 120)}`;
}

/** A schema that is spread loses its fast way: the general one then decides alone. */
const general = <T>(schema: Schema<T>): Schema<T> => ({ ...schema });

type Decoded<T> = { readonly value: T } | { readonly words: string };
function attempt<T>(read: () => T): Decoded<T> {
  try {
    return { value: read() };
  } catch (error) {
    return { words: wordsOf(error) };
  }
}

function runSchema<T>(schema: Schema<T>, bytes: Uint8Array): Decoded<T> {
  const fast = attempt(() => decode(schema, bytes, { maxBytes: MAX_BYTES }));
  const slow = attempt(() => decode(general(schema), bytes, { maxBytes: MAX_BYTES }));
  assert.deepEqual(fast, slow, "two decoders of one rule differ");
  if ("words" in fast) return fast;
  assert.ok(isCanonical(bytes), "an encoding that is not canonical was taken");
  assert.ok(equalBytes(encode(schema, fast.value), bytes), "a second encoding was taken");
  assert.deepEqual(schema.fromJson(JSON.parse(JSON.stringify(schema.toJson(fast.value)))), fast.value, "JSON loses something");
  return fast;
}

const transaction: Target = {
  name: "transaction",
  text: false,
  seeds: () => transactions.slice(0, 400),
  run: (bytes) => {
    const decoded = attempt(() => runtime.decodeTx(bytes, MAX_BYTES));
    const checked = runSchema(signedTransaction, bytes);
    assert.equal("words" in decoded, "words" in checked);
    if ("words" in decoded) return decoded.words;
    const { tx, hash, signBytes } = decoded.value;
    assert.equal(hash, bytesToHex(sha256(bytes)));
    assert.ok(equalBytes(signBytes, domainBytes("tfgrid/tx/v1", encode(transactionBody, tx.body))), "other bytes are signed than the body's");
    return `ok: ${tx.body.calls[0]?.type}${tx.body.calls.length > 1 ? " and more" : ""}`;
  },
};

/** Everything that DAG-CBOR can say, within a depth: what is taken here is right by the second opinion, and the reverse. */
const anything: Schema<unknown> = {
  fromCbor: (value) => value,
  toCbor: (value) => value,
  fromJson: (value) => value,
  toJson: () => null,
  jsonSchema: () => ({}),
};
const dagCbor: Target = {
  name: "dag-cbor",
  text: false,
  seeds: () => [...transactions.slice(0, 40), ...["00", "1903e8", "63616263", "a2616101626262f6", "8301820203820405", "d82a58250001711220".padEnd(82, "0"), "fb3fb999999999999a", "1bffffffffffffffff", "3b7fffffffffffffff"].map(hexToBytes)],
  run: (bytes) => {
    const read = attempt(() => decode(anything, bytes, { maxBytes: MAX_BYTES }));
    if ("words" in read) return read.words;
    assert.ok(isCanonical(bytes), "an encoding that is not canonical was taken");
    return `ok: major ${(bytes[0] ?? 0) >> 5}`;
  },
};

const claimState = openState(memoryStorage());
const claims = (() => {
  const storage = memoryStorage();
  const state = openState(storage);
  const draft = state.draft();
  for (let index = 0; index < 64; index += 1) draft.set(`k/${index}`, utf8(`value ${index}`));
  const sealed = draft.seal(0);
  storage.write(sealed.ops);
  sealed.adopt();
  return { root: state.root, state };
})();

/** Bytes: [key index, is the value there?] and a proof. */
const proof: Target = {
  name: "proof",
  text: false,
  seeds: () =>
    [0, 7, 63, 64, 90].map((index) => {
      const { proof: found } = claims.state.prove(`k/${index}`);
      return Uint8Array.from([index, ...encode(stateProof, found)]);
    }),
  run: (bytes) => {
    const index = bytes[0] ?? 0;
    const read = runSchema(stateProof, bytes.subarray(1));
    if ("words" in read) return read.words;
    const key = `k/${index}`;
    const truth = claims.state.get(key);
    const holds = (value: Uint8Array | undefined): boolean => verifyStateProof({ root: claims.root, key, value, proof: read.value });
    assert.equal(holds(utf8("a lie")), false, "a lie was proven");
    assert.equal(truth === undefined ? false : holds(undefined), false, "an existing value was proven absent");
    const proven = holds(truth);
    assert.equal(verifyStateProof({ root: claimState.root, key, value: truth, proof: read.value }) && truth !== undefined, false, "proven in an empty state");
    return `ok: ${proven ? "proven" : "not proven"} ${read.value.leaf === null ? "empty" : "leaf"}`;
  },
};

const HEADERS = s.list(signedHeader, { max: 4 });
const objects: Target = {
  name: "objects",
  text: false,
  seeds: () => {
    const hash = "11".repeat(32) as never;
    const header = { chainId: "c", height: 1 as never, timeMs: 5, parentHash: hash, txsRoot: hash, appHash: hash, authority: hash };
    const token = { chainId: "c", farmId: 1 as never, expiresAtMs: 5, signature: "22".repeat(64) as never };
    return [Uint8Array.from([0, ...encode(HEADERS, [{ type: "solo", header, signature: "33".repeat(64) as never }])]), Uint8Array.from([1, ...encode(joinToken, token)])];
  },
  run: (bytes) => {
    const read = (bytes[0] ?? 0) % 2 === 0 ? runSchema(HEADERS, bytes.subarray(1)) : runSchema(joinToken, bytes.subarray(1));
    return "words" in read ? read.words : "ok";
  },
};

const MAX_FRAME = 4_096;
/** Frames in pieces of any size are the frames in one piece, and never more than was sent. */
const frames: Target = {
  name: "abci-frames",
  text: false,
  seeds: () => {
    const request = (value: Parameters<typeof create<typeof RequestSchema>>[1]): Uint8Array => {
      const body = toBinary(RequestSchema, create(RequestSchema, value));
      return Uint8Array.from([...frameHead(body.length), ...body]);
    };
    const tx = transactions[0] as Uint8Array;
    return [
      request({ value: { case: "echo", value: { message: "hello" } } }),
      request({ value: { case: "checkTx", value: { tx } } }),
      request({ value: { case: "finalizeBlock", value: { height: 1n, txs: [tx], time: { seconds: 5n, nanos: 1 } } } }),
      Uint8Array.from([...request({ value: { case: "flush", value: {} } }), ...request({ value: { case: "commit", value: {} } })]),
    ];
  },
  run: (bytes) => {
    const whole = attempt(() => new FrameReader(MAX_FRAME).push(bytes));
    const reader = new FrameReader(MAX_FRAME);
    const pieces = attempt(() => {
      const out: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += 3) out.push(...reader.push(bytes.slice(at, at + 3)));
      return out;
    });
    if ("words" in whole) {
      assert.ok("words" in pieces, "refused in one piece, taken in several");
      return whole.words;
    }
    assert.deepEqual("value" in pieces ? pieces.value.map(bytesToHex) : pieces, whole.value.map(bytesToHex));
    return `ok: ${whole.value.slice(0, 2).map(requestCase).join()}`;
  },
};

function requestCase(frame: Uint8Array): string {
  try {
    return fromBinary(RequestSchema, frame).value.case ?? "none";
  } catch (error) {
    // The protobuf library's own refusals are plain errors: the server turns them into one of ours.
    assert.ok(error instanceof Error);
    return "no protobuf";
  }
}

const snapshots: Target = {
  name: "snapshot",
  text: false,
  seeds: () => {
    const packer = new ChunkPacker();
    for (let index = 10; index < 20; index += 1) packer.add([`k/${index}`, utf8(`value ${index}`)]);
    const chunk = packer.end() as Uint8Array;
    const manifest = infoOf({ format: 1, chainId: "c", height: 5, appHash: "11".repeat(32) as never, rows: 10, chunkHashes: [bytesToHex(sha256(chunk))] });
    return [Uint8Array.from([0, ...chunk]), Uint8Array.from([1, ...manifest.metadata])];
  },
  run: (bytes) => {
    const rest = bytes.subarray(1);
    if ((bytes[0] ?? 0) % 2 === 1) {
      const read = attempt(() => parseManifest(rest, 1));
      if ("words" in read) return read.words;
      assert.ok(equalBytes(read.value.metadata, rest), "a second description was taken");
      return "ok: manifest";
    }
    const read = attempt(() => [...rowsOfChunk(rest, "")]);
    if ("words" in read) return read.words;
    const packer = new ChunkPacker(rest.length);
    for (const row of read.value) assert.equal(packer.add(row), undefined);
    assert.ok(equalBytes(packer.end() as Uint8Array, rest), "a second packing was taken");
    return "ok: rows";
  },
};

const genesis: Target = {
  name: "genesis",
  text: true,
  seeds: () => {
    const state = new MemoryState();
    runtime.initGenesis(state, chain.genesis, { chainId: "test-chain", height: 0, timeMs: 0 });
    return [utf8(JSON.stringify(chain.genesis)), utf8(JSON.stringify(genesisToJson(exportGenesis(state, { height: 4, timeMs: 9 }))))];
  },
  run: (bytes) => {
    const read = attempt(() => parseGenesis(parseJson(Buffer.from(bytes).toString())));
    if ("words" in read) return read.words;
    const again = genesisToJson(parseGenesis(genesisToJson(read.value)));
    assert.deepEqual(again, genesisToJson(read.value));
    const { chainId, content } = read.value;
    const started = attempt(() => runtime.initGenesis(new MemoryState(), read.value, { chainId, height: content?.height ?? 0, timeMs: content?.timeMs ?? 0 }));
    return "words" in started ? started.words : "ok";
  },
};

let handlers: ReadonlyMap<string, Handler> | undefined;
const rpc: Target = {
  name: "rpc",
  text: true,
  seeds: () => {
    const call = (method: string, params: unknown): Uint8Array => utf8(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
    return [
      ...["head", "params", "charter", "supply", "proposals", "rpc.discover"].map((method) => call(method, {})),
      call("twin", { id: 1 }),
      call("contracts", { nodeId: 1, active: true, limit: 5, after: 0 }),
      call("tx.submit", { tx: bytesToHex(transactions[0] as Uint8Array) }),
      call("tx.get", { hash: "11".repeat(32) }),
      call("state.get", { key: "meta/params", prove: true }),
      call("block.get", { height: 0 }),
      call("reputation", { subject: { nodeId: 1 } }),
      call("anchor", { document: "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy" }),
    ];
  },
  run: async (bytes) => {
    handlers ??= rpcHandlers(runtime);
    const failures: unknown[] = [];
    const logger = { ...silentLogger, error: (_message: string, fields?: Readonly<Record<string, unknown>>) => void failures.push(fields?.["error"]) };
    const parsed = attempt(() => parseJson(Buffer.from(bytes).toString()));
    if ("words" in parsed) return parsed.words;
    const text = await answer({ value: parsed.value, handlers, logger });
    // What is logged here was no error of ours: a bug that a stranger can reach.
    if (failures.length > 0) throw failures[0];
    if (text === undefined) return "ok: no answer is wanted";
    const reply = JSON.parse(text) as { error?: { message: string; data: { code: string } } };
    return reply.error === undefined ? "ok: result" : `${reply.error.data.code}: ${reply.error.message.replaceAll(/[0-9a-f]{8,}|\d+|"[^"]*"/g, "#").slice(0, 100)}`;
  },
};

export const TARGETS: readonly Target[] = [transaction, dagCbor, proof, objects, frames, snapshots, genesis, rpc];
