/** A token bucket and a count of open work per peer: one loud twin cannot take the others' turn. */
import type { AccountId, Clock } from "@tfgrid/primitives";
import { messagingErrors } from "./errors.ts";
import { MESSAGING_LIMITS as L } from "./limits.ts";

interface Peer {
  tokens: number;
  atMs: number;
  open: number;
}

export interface Admission {
  /** Takes a place and returns how to give it back. @throws GridError messaging.too_many_requests */
  enter(account: AccountId): () => void;
}

export function admission(clock: Clock): Admission {
  const peers = new Map<AccountId, Peer>();
  let open = 0;
  const peerOf = (account: AccountId): Peer => {
    const nowMs = clock.nowMs();
    const peer = peers.get(account) ?? { tokens: L.requestBurst, atMs: nowMs, open: 0 };
    peer.tokens = Math.min(L.requestBurst, peer.tokens + (Math.max(0, nowMs - peer.atMs) / 1000) * L.requestsPerSecond);
    peer.atMs = nowMs;
    peers.delete(account);
    peers.set(account, peer);
    if (peers.size > L.rememberedPeers) forgetOldest(peers);
    return peer;
  };
  return {
    enter(account) {
      const peer = peerOf(account);
      if (peer.tokens < 1 || peer.open >= L.openPerPeer || open >= L.openInTotal) {
        throw messagingErrors.fail("messaging.too_many_requests", {
          details: { openPerPeer: L.openPerPeer, requestsPerSecond: L.requestsPerSecond },
        });
      }
      peer.tokens -= 1;
      peer.open += 1;
      open += 1;
      let left = false;
      return () => {
        if (left) return;
        left = true;
        peer.open -= 1;
        open -= 1;
      };
    },
  };
}

/** A peer with open work is never forgotten, or it could open more than its share. */
function forgetOldest(peers: Map<AccountId, Peer>): void {
  for (const [account, peer] of peers) {
    if (peer.open > 0) continue;
    peers.delete(account);
    return;
  }
}
