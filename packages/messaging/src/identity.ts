/** A twin's Ed25519 account key is its libp2p peer key: either can be computed from the other. */
import { generateKeyPairFromSeed, publicKeyFromRaw } from "@libp2p/crypto/keys";
import type { Ed25519PrivateKey, PeerId } from "@libp2p/interface";
import { peerIdFromPublicKey } from "@libp2p/peer-id";
import { type AccountId, bytesToHex, hexToBytes, type KeyPair } from "@tfgrid/primitives";

export function peerKeyOf(keyPair: KeyPair): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed("Ed25519", keyPair.secretSeed);
}

export function peerIdOf(account: AccountId): PeerId {
  return peerIdFromPublicKey(publicKeyFromRaw(hexToBytes(account)));
}

/** The peer id as text, for relay addresses. */
export function peerIdTextOf(account: AccountId): string {
  return peerIdOf(account).toString();
}

/** Undefined for peers with another kind of key: no twin has one. */
export function accountOf(peerId: PeerId): AccountId | undefined {
  if (peerId.type !== "Ed25519" || peerId.publicKey === undefined) return undefined;
  return bytesToHex(peerId.publicKey.raw) as string as AccountId;
}
