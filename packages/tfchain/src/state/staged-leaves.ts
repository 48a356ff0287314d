/**
 * Where the leaves of a state wait that is being restored, until all are there: a tree that grew with every chunk would write each
 * of its pages many times. No history exists before a restore has ended, so its table is theirs: rows by first byte and chunk.
 */
import { PARTS, partOf, subtreeOf } from "./build-tree.ts";
import { versionKey } from "./history.ts";
import type { Slices } from "./slices.ts";
import type { Row } from "./snapshot-format.ts";
import type { Storage, WriteOp } from "./storage.ts";
import { type Leaf, digest, digestOfKey } from "./tree.ts";

export const LEAVES = "history";
/** Key hash and value hash. */
const LEAF_BYTES = 64;
const partKey = (part: number): string => part.toString(16).padStart(2, "0");

/** The leaves of one chunk, dealt out to the parts of the tree. */
export class ChunkLeaves {
  readonly #parts = Array.from({ length: PARTS }, (): string[] => []);

  add([key, value]: Row): void {
    const keyHash = digestOfKey(key);
    this.#parts[partOf({ keyHash })]?.push(keyHash + digest(value));
  }

  /** Given twice for the same chunk, the rows are the same. */
  *rows(chunk: number): Generator<WriteOp> {
    for (const [index, part] of this.#parts.entries()) {
      if (part.length > 0) yield { table: LEAVES, key: `${partKey(index)}/${versionKey(chunk)}`, value: Buffer.from(part.join(""), "latin1") };
    }
  }
}

/** The leaves of one part, by subtree: one of 256 parts is in memory at a time. */
export async function leavesOf(storage: Storage, part: number, slices: Slices): Promise<readonly Leaf[][]> {
  const subtrees = new Map<number, Leaf[]>();
  const prefix = partKey(part);
  for (let from = `${prefix}/`; ; ) {
    const [next] = storage.range(LEAVES, { gte: from, lt: `${prefix}0`, limit: 1 });
    if (next === undefined) break;
    const [key, row] = next;
    deal(row, subtrees);
    // Read anew from here: no iterator stays open while others run.
    from = `${key}\0`;
    await slices.pause();
  }
  return [...subtrees.keys()].sort((a, b) => a - b).map((index) => subtrees.get(index) as Leaf[]);
}

function deal(row: Uint8Array, subtrees: Map<number, Leaf[]>): void {
  const text = Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString("latin1");
  for (let at = 0; at < text.length; at += LEAF_BYTES) {
    const leaf: Leaf = { kind: "leaf", keyHash: text.slice(at, at + 32), valueHash: text.slice(at + 32, at + LEAF_BYTES) };
    const index = subtreeOf(leaf);
    const leaves = subtrees.get(index);
    if (leaves === undefined) subtrees.set(index, [leaf]);
    else leaves.push(leaf);
  }
}
