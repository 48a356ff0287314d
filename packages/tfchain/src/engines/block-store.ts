/**
 * Blocks, results and events in tables. They are written by the same storage transaction as the state after them, so a crash
 * at any instruction leaves a height whose block, results and state belong together.
 */
import { type Hex, decodeTrusted, encode } from "@tfgrid/primitives";
import { ENGINE_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import { type SignedHeader, factsOf, signedHeader } from "../light/signed-header.ts";
import { type Storage, type WriteOp, pack, unpack } from "../state/index.ts";
import { type BlockInfo, type EventRow, type TxResult, txResult } from "./engine.ts";
import { resultText } from "./result-text.ts";

/** An engine that learns a block's signatures only after it (CometBFT) stores the block first, and the header with `headerOps`. */
export type BlockRecord = BlockBody & ({ readonly signed: SignedHeader } | { readonly signed: undefined; readonly height: number });

interface BlockBody {
  readonly txs: readonly Uint8Array[];
  readonly results: readonly TxResult[];
  readonly eventsJson: string | undefined;
}

const HEAD_KEY = "head-height";
const FIRST_KEY = "first-height";
/** Hex digits of 2^53 - 1, so that byte order of keys is order of heights. */
const HEIGHT_DIGITS = 14;

const heightKey = (height: number): string => height.toString(16).padStart(HEIGHT_DIGITS, "0");
const text = (value: string): Uint8Array => Buffer.from(value);
const numberOf = (bytes: Uint8Array | undefined): number | undefined => (bytes === undefined ? undefined : Number(Buffer.from(bytes).toString()));
const put = (table: WriteOp["table"], key: string, value: Uint8Array): WriteOp => ({ table, key, value });
const drop = (table: WriteOp["table"], key: string): WriteOp => ({ table, key, value: undefined });

export class BlockStore {
  readonly #storage: Storage;
  readonly #retained: number;

  constructor(storage: Storage, retainedBlocks: number) {
    this.#storage = storage;
    this.#retained = retainedBlocks;
  }

  headHeight(): number | undefined {
    return numberOf(this.#storage.get("meta", HEAD_KEY));
  }

  firstHeight(): number {
    return numberOf(this.#storage.get("meta", FIRST_KEY)) ?? 0;
  }

  /** For the genesis: nothing is older. */
  beginOps(height: number): WriteOp[] {
    return [put("meta", FIRST_KEY, text(String(height)))];
  }

  /** All writes of one block, with the removal of blocks beyond the retained number. */
  ops(record: BlockRecord): WriteOp[] {
    const height = record.signed === undefined ? record.height : record.signed.header.height;
    const key = heightKey(height);
    const ops = [
      ...(record.signed === undefined ? [] : this.headerOps(record.signed)),
      put("blocks", `${key}/txs`, pack(frame(record.txs))),
      put("meta", HEAD_KEY, text(String(height))),
    ];
    record.results.forEach((result, index) => {
      // A refused replay of an included transaction must not hide the result of the first.
      if (this.#storage.get("txs", result.hash) !== undefined) return;
      ops.push(put("txs", result.hash, text(`${height}/${index}`)));
      ops.push(put("blocks", `${key}/result/${heightKey(index)}`, text(resultText(result))));
    });
    if (record.eventsJson !== undefined) ops.push(put("events", key, pack(text(record.eventsJson))));
    return [...ops, ...this.#prune(height)];
  }

  /** Nothing when the block is older than what is retained. */
  headerOps(signed: SignedHeader): WriteOp[] {
    const { height } = signed.header;
    return height < this.firstHeight() ? [] : [put("blocks", `${heightKey(height)}/header`, encode(signedHeader, signed))];
  }

  hasHeader(height: number): boolean {
    return this.#storage.get("blocks", `${heightKey(height)}/header`) !== undefined;
  }

  #prune(height: number): WriteOp[] {
    const first = this.firstHeight();
    const next = Math.min(first + ENGINE_LIMITS.prunedPerBlock, height - this.#retained + 1);
    if (next <= first) return [];
    const ops = [put("meta", FIRST_KEY, text(String(next)))];
    for (let old = first; old < next; old += 1) {
      const key = heightKey(old);
      for (const [row, value] of this.#storage.range("blocks", { gte: `${key}/`, lt: `${key}0` })) {
        ops.push(drop("blocks", row));
        if (row.includes("/result/")) ops.push(drop("txs", (JSON.parse(Buffer.from(value).toString()) as { hash: string }).hash));
      }
      ops.push(drop("events", key));
    }
    return ops;
  }

  header(height: number): SignedHeader {
    this.#requireRetained(height);
    const bytes = this.#storage.get("blocks", `${heightKey(height)}/header`);
    if (bytes === undefined) throw chainErrors.fail("chain.height_unknown", { details: { height, head: this.headHeight() ?? null } });
    return decodeTrusted(signedHeader, bytes);
  }

  block(height: number): BlockInfo & { readonly raw: readonly Uint8Array[] } {
    const signed = this.header(height);
    return { signedHeader: signed, hash: factsOf(signed).hash, txs: this.txHashes(height), raw: this.transactions(height) };
  }

  /** Of the transactions that have a result, in block order. */
  txHashes(height: number): readonly Hex[] {
    const prefix = `${heightKey(height)}/result`;
    return Array.from(this.#storage.range("blocks", { gte: `${prefix}/`, lt: `${prefix}0` }), ([, value]) => parseResult(value).hash);
  }

  /** As they were submitted, in block order. @throws GridError chain.height_pruned */
  transactions(height: number): readonly Uint8Array[] {
    this.#requireRetained(height);
    const row = this.#storage.get("blocks", `${heightKey(height)}/txs`);
    return row === undefined ? [] : unframe(unpack(row));
  }

  tx(hash: Hex): TxResult | undefined {
    const place = this.#storage.get("txs", hash);
    if (place === undefined) return undefined;
    const [height = "", index = ""] = Buffer.from(place).toString().split("/");
    const bytes = this.#storage.get("blocks", `${heightKey(Number(height))}/result/${heightKey(Number(index))}`);
    return bytes === undefined ? undefined : parseResult(bytes);
  }

  events(from: number, limit: number): EventRow[] {
    this.#requireRetained(from);
    const rows: EventRow[] = [];
    for (const [key, value] of this.#storage.range("events", { gte: heightKey(from), lt: "g", limit })) {
      rows.push({ height: Number.parseInt(key, 16), json: Buffer.from(unpack(value)).toString() });
    }
    return rows;
  }

  #requireRetained(height: number): void {
    const first = this.firstHeight();
    if (height >= first) return;
    throw chainErrors.fail("chain.height_pruned", {
      message: `Height ${height} is older than ${first}, the first that is retained.`,
      details: { height, firstRetainedHeight: first },
    });
  }
}

const parseResult = (bytes: Uint8Array): TxResult => txResult.fromJson(JSON.parse(Buffer.from(bytes).toString()));

/** Each item with its length in 4 bytes before it. */
function frame(items: readonly Uint8Array[]): Uint8Array {
  const out = Buffer.alloc(items.reduce((total, item) => total + 4 + item.length, 0));
  let offset = 0;
  for (const item of items) {
    out.writeUInt32BE(item.length, offset);
    out.set(item, offset + 4);
    offset += 4 + item.length;
  }
  return out;
}

function unframe(bytes: Uint8Array): Uint8Array[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: Uint8Array[] = [];
  for (let offset = 0; offset < view.length; ) {
    const length = view.readUInt32BE(offset);
    items.push(view.subarray(offset + 4, offset + 4 + length));
    offset += 4 + length;
  }
  return items;
}
