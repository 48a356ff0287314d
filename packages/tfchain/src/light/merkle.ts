/**
 * The state tree as a verifier sees it: binary, over SHA-256 of the key; a leaf sits at the shallowest depth where it is
 * alone, so a path has about log2(n) siblings. Leaves and branches are hashed under different tags: a branch can
 * never be passed off as a leaf. Pure, without I/O: runs in browsers too.
 */
import { type Hex, type Infer, bytesToHex, concatBytes, equalBytes, hexToBytes, s, sha256, utf8 } from "@tfgrid/primitives";

export const LEAF_TAG = 0x00;
export const BRANCH_TAG = 0x01;
/** Bits of a key hash: no path is longer. */
export const MAX_DEPTH = 256;
/** Root of the empty tree and of every empty subtree: 32 zero bytes, which no known input hashes to. */
export const EMPTY_ROOT: Uint8Array = new Uint8Array(32);

/**
 * Why a key has, or has not, a value: the siblings from the root down and what the path ends in. `leaf` null: an empty
 * subtree; `leaf` of another key: that key is alone in the subtree where ours would be.
 */
export const stateProof = s.struct({
  siblings: s.list(s.hex({ length: 32 }), { max: MAX_DEPTH }),
  leaf: s.nullable(s.struct({ keyHash: s.hex({ length: 32 }), valueHash: s.hex({ length: 32 }) })),
});
export type StateProof = Infer<typeof stateProof>;

export const keyHashOf = (key: string): Uint8Array => sha256(utf8(key));
const tagged = (tag: number, left: Uint8Array, right: Uint8Array): Uint8Array => sha256(new Uint8Array([tag]), left, right);
const bitAt = (hash: Uint8Array, depth: number): number => ((hash[depth >> 3] ?? 0) >> (7 - (depth & 7))) & 1;

export interface ProofClaim {
  readonly root: Hex;
  readonly key: string;
  /** undefined: the claim is that the key has no value. */
  readonly value: Uint8Array | undefined;
  readonly proof: StateProof;
}

export function verifyStateProof(claim: ProofClaim): boolean {
  const { key, value, proof } = claim;
  const depth = proof.siblings.length;
  if (depth > MAX_DEPTH) return false;
  const path = keyHashOf(key);
  const leaf = proof.leaf === null ? undefined : { key: hexToBytes(proof.leaf.keyHash), value: hexToBytes(proof.leaf.valueHash) };
  if (value === undefined) {
    if (leaf !== undefined && (equalBytes(leaf.key, path) || !sharesBits(leaf.key, path, depth))) return false;
  } else if (leaf === undefined || !equalBytes(leaf.key, path) || !equalBytes(leaf.value, sha256(value))) return false;
  let hash = leaf === undefined ? EMPTY_ROOT : tagged(LEAF_TAG, leaf.key, leaf.value);
  for (let level = depth - 1; level >= 0; level -= 1) {
    const sibling = hexToBytes(proof.siblings[level] ?? "");
    hash = bitAt(path, level) === 0 ? tagged(BRANCH_TAG, hash, sibling) : tagged(BRANCH_TAG, sibling, hash);
  }
  return bytesToHex(hash) === claim.root;
}

function sharesBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let depth = 0; depth < bits; depth += 1) if (bitAt(a, depth) !== bitAt(b, depth)) return false;
  return true;
}

/** Merkle root of a list in the manner of RFC 6962: `txsRoot` of a header. */
export function listRoot(items: readonly Uint8Array[]): Uint8Array {
  if (items.length === 0) return EMPTY_ROOT;
  let level = items.map((item) => sha256(concatBytes(new Uint8Array([LEAF_TAG]), item)));
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let index = 0; index < level.length; index += 2) {
      const left = level[index] as Uint8Array;
      const right = level[index + 1];
      next.push(right === undefined ? left : tagged(BRANCH_TAG, left, right));
    }
    level = next;
  }
  return level[0] as Uint8Array;
}
