/** Twin-to-twin requests and streams as other rooms see them. */
import type { AccountId, Schema, TwinId } from "@tfgrid/primitives";

/** One question, one answer. Both ends check bodies by these schemas. */
export interface RequestMethod<Q, A> {
  readonly kind: "request";
  /** `room.action` */
  readonly name: string;
  readonly request: Schema<Q>;
  readonly answer: Schema<A>;
}

/** One question, many answers over time. */
export interface StreamMethod<Q, A> {
  readonly kind: "stream";
  readonly name: string;
  readonly request: Schema<Q>;
  readonly item: Schema<A>;
}

/** Who asks is proven by the key of the connection and looked up on the ledger; it is not a claim. */
export interface IncomingRequest<Q> {
  readonly from: TwinId;
  readonly account: AccountId;
  readonly body: Q;
  /** Aborted when the caller gives up, the connection breaks or the messenger stops. */
  readonly signal: AbortSignal;
}

/** What it throws as GridError reaches the caller as it is; anything else is logged here and becomes `messaging.handler_failed`. */
export type RequestHandler<Q, A> = (request: IncomingRequest<Q>) => Promise<A>;
/** The next item is asked for only when the caller has room for it. */
export type StreamHandler<Q, A> = (request: IncomingRequest<Q>) => AsyncIterable<A>;

export interface RequestOptions<Q, A> {
  readonly to: TwinId;
  readonly method: RequestMethod<Q, A>;
  readonly body: Q;
  /** Default 10 s, for everything from the look-up to the answer. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface StreamRequestOptions<Q, A> {
  readonly to: TwinId;
  readonly method: StreamMethod<Q, A>;
  readonly body: Q;
  /** Default 10 s, until the twin is reached; after that a silent connection is found by missing pulses. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface RelayStatus {
  readonly address: string;
  readonly connected: boolean;
}

export interface Messenger {
  readonly twinId: TwinId;
  readonly account: AccountId;
  /** Serves a method; the returned function ends that. A name is served by one handler. */
  handle<Q, A>(method: RequestMethod<Q, A>, handler: RequestHandler<Q, A>): () => void;
  handleStream<Q, A>(method: StreamMethod<Q, A>, handler: StreamHandler<Q, A>): () => void;
  /** @throws GridError messaging.* or the error of the twin's handler */
  request<Q, A>(options: RequestOptions<Q, A>): Promise<A>;
  /** Nothing is sent before the first item is asked for; leaving the loop ends the stream at the other side too. */
  stream<Q, A>(options: StreamRequestOptions<Q, A>): AsyncIterable<A>;
  /** Resolves as soon as one relay holds a place for us (at once when it does already). */
  ready(signal?: AbortSignal): Promise<void>;
  relays(): readonly RelayStatus[];
  stop(): Promise<void>;
}

/** A twin as far as reaching it goes. */
export interface PeerTwin {
  readonly id: TwinId;
  readonly account: AccountId;
  /** Multiaddrs of relays, as on the ledger. */
  readonly relays: readonly string[];
}

/** The ledger, as messaging uses it. Throws only when the ledger cannot be read. */
export interface TwinResolver {
  byId(twinId: TwinId): Promise<PeerTwin | undefined>;
  byAccount(account: AccountId): Promise<PeerTwin | undefined>;
}
