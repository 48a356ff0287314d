/** Twin-to-twin messaging: requests and streams between twins over js-libp2p; the twin's key is the peer's key. */
export { messagingErrors } from "./errors.ts";
export { peerIdTextOf } from "./identity.ts";
export { MESSAGING_LIMITS, RELAY_LIMITS } from "./limits.ts";
export { memoryNetwork, type MemoryNetwork } from "./memory-network.ts";
export { connectMessenger, type ConnectMessengerOptions } from "./messenger.ts";
export { startRelay, type RelayLimits, type RunningRelay, type StartRelayOptions } from "./relay.ts";
export { chainTwinResolver, type TwinSource } from "./resolver.ts";
export type {
  IncomingRequest,
  Messenger,
  PeerTwin,
  RelayStatus,
  RequestHandler,
  RequestMethod,
  RequestOptions,
  StreamHandler,
  StreamMethod,
  StreamRequestOptions,
  TwinResolver,
} from "./types.ts";
