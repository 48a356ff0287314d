/** What a module's code may use while a block is carried out: the state, the block and the events. Nothing else. */
import type { AccountId, verify } from "@tfgrid/primitives";
import type { Call, CallType, ChainEvent } from "../types/index.ts";
import type { BlockContext, StateWriter } from "./api.ts";

export type Verify = typeof verify;

export interface Context {
  readonly state: StateWriter;
  readonly block: BlockContext;
  readonly emit: (event: ChainEvent) => void;
}

export interface CallContext extends Context {
  readonly signer: AccountId;
  /** Signature check for join tokens; the ledger's own fast one, or the one of primitives. */
  readonly verify: Verify;
}

export type CallOf<K extends CallType> = Extract<Call, { type: K }>;
/** @throws GridError of the catalogue: then the whole batch is undone. */
export type Handler<K extends CallType> = (context: CallContext, call: CallOf<K>) => void;
/** The calls of the modules named by `M`: a module that forgets one does not compile. */
export type Handlers<M extends string> = { readonly [K in Extract<CallType, `${M}.${string}`>]: Handler<K> };
