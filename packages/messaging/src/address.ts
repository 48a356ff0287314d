/** Relay addresses: multiaddrs that say where a relay is and which key it has. */
import { peerIdFromString } from "@libp2p/peer-id";
import type { PeerId } from "@libp2p/interface";
import { CODE_P2P, CODE_P2P_CIRCUIT, type Multiaddr, multiaddr } from "@multiformats/multiaddr";
import { messagingErrors } from "./errors.ts";

export interface RelayAddress {
  readonly text: string;
  readonly address: Multiaddr;
  readonly peer: PeerId;
}

/** @throws GridError messaging.bad_relay_address */
export function parseRelay(text: string): RelayAddress {
  try {
    const address = multiaddr(text);
    const components = address.getComponents();
    const id = components.at(-1);
    const good = id?.code === CODE_P2P && id.value !== undefined && components.every((part) => part.code !== CODE_P2P_CIRCUIT);
    if (!good) throw new Error("no /p2p/PEER at the end");
    return { text, address, peer: peerIdFromString(id.value as string) };
  } catch (cause) {
    throw messagingErrors.fail("messaging.bad_relay_address", { cause, details: { address: text.slice(0, 200) } });
  }
}
