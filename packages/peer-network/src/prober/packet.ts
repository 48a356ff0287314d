/**
 * Probe packets: 45 bytes, question and answer of equal size (nothing to amplify), under a key that only the two nodes
 * have: X25519 of their mesh keys, which the chain publishes. An answer carries the question's random cookie back.
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { x25519 } from "@noble/curves/ed25519.js";
import { hexToBytes, type Hex, type NodeId } from "@tfgrid/primitives";

const MAGIC = 0x7466_7031;
const BODY = 29;
const TAG = 16;
export const PROBE_BYTES = BODY + TAG;
const KINDS = ["question", "answer"] as const;

export interface ProbePacket {
  readonly kind: (typeof KINDS)[number];
  readonly from: NodeId;
  readonly to: NodeId;
  /** 8 random bytes, hex. */
  readonly cookie: Hex;
}

/** Prepared once: probes are many. */
export type ProbeKey = KeyObject;

/** @throws when the public key is of small order. */
export function probeKey(privateKey: Uint8Array, peerPublicKey: Hex): ProbeKey {
  const shared = x25519.getSharedSecret(privateKey, hexToBytes(peerPublicKey));
  return createSecretKey(createHmac("sha256", "tfgrid/probe/v1").update(shared).digest());
}

export function encodeProbe(packet: ProbePacket, key: ProbeKey): Buffer {
  const bytes = Buffer.alloc(PROBE_BYTES);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt8(KINDS.indexOf(packet.kind), 4);
  bytes.writeBigUInt64BE(BigInt(packet.from), 5);
  bytes.writeBigUInt64BE(BigInt(packet.to), 13);
  bytes.write(packet.cookie, 21, "hex");
  tagOf(bytes, key).copy(bytes, BODY);
  return bytes;
}

/** Undefined for anything that is not a probe; `keyOf` is asked before any key is used. */
export function decodeProbe(bytes: Buffer, keyOf: (from: NodeId) => ProbeKey | undefined): ProbePacket | undefined {
  if (bytes.length !== PROBE_BYTES || bytes.readUInt32BE(0) !== MAGIC) return undefined;
  const kind = KINDS[bytes.readUInt8(4)];
  const from = Number(bytes.readBigUInt64BE(5)) as NodeId;
  const key = keyOf(from);
  if (kind === undefined || key === undefined || !timingSafeEqual(tagOf(bytes, key), bytes.subarray(BODY))) return undefined;
  return { kind, from, to: Number(bytes.readBigUInt64BE(13)) as NodeId, cookie: bytes.toString("hex", 21, BODY) as Hex };
}

const tagOf = (bytes: Buffer, key: ProbeKey): Buffer =>
  createHmac("sha256", key).update(bytes.subarray(0, BODY)).digest().subarray(0, TAG);
