/** Signatures to check, packed into one piece of memory that moves between threads without being copied item by item. */
import type { SignedBytes } from "@tfgrid/primitives";

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const HEAD_BYTES = KEY_BYTES + SIGNATURE_BYTES + 4;

export function packSigned(items: readonly SignedBytes[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(items.reduce((total, { bytes }) => total + HEAD_BYTES + bytes.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const { key, signature, bytes } of items) {
    out.set(key, at);
    out.set(signature, at + KEY_BYTES);
    view.setUint32(at + KEY_BYTES + SIGNATURE_BYTES, bytes.length);
    out.set(bytes, at + HEAD_BYTES);
    at += HEAD_BYTES + bytes.length;
  }
  return out;
}

export function unpackSigned(packed: Uint8Array): SignedBytes[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const items: SignedBytes[] = [];
  for (let at = 0; at < packed.length; ) {
    const end = at + HEAD_BYTES + view.getUint32(at + KEY_BYTES + SIGNATURE_BYTES);
    items.push({ key: packed.subarray(at, at + KEY_BYTES), signature: packed.subarray(at + KEY_BYTES, at + KEY_BYTES + SIGNATURE_BYTES), bytes: packed.subarray(at + HEAD_BYTES, end) });
    at = end;
  }
  return items;
}
