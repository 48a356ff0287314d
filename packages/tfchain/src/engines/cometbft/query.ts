/** ABCI's own way to read: for tools of cometbft's world. Programs of the grid use the ledger's RPC. */
import { create } from "@bufbuild/protobuf";
import { utf8 } from "@tfgrid/primitives";
import { stateProof } from "../../light/index.ts";
import type { StateStore } from "../../state/index.ts";
import type { Head } from "../../types/index.ts";
import { type RequestQuery, type ResponseQuery, ResponseQuerySchema } from "./wire/index.ts";

/** One value of the state by its key, at the newest height; `data` is the key. */
const STATE_PATH = "/state";
/** Operator that a verifier of ours knows: `light/merkle.ts`, data as JSON. */
const PROOF_TYPE = "tfgrid:state:v1";
const KEY = /^[\x20-\x7e]{1,1024}$/;

export function answerQuery(state: StateStore, head: Head, { path, data, prove, height }: RequestQuery): ResponseQuery {
  const at = { height: BigInt(head.height) };
  const refuse = (log: string): ResponseQuery => create(ResponseQuerySchema, { ...at, code: 1, log });
  const key = Buffer.from(data).toString("latin1");
  if (path !== STATE_PATH) return refuse(`There is only ${STATE_PATH}; use the ledger's own RPC.`);
  if (!KEY.test(key)) return refuse("The data must be a state key in ASCII.");
  if (height !== 0n && height !== at.height) return refuse("Only the newest height is served here.");
  const value = state.get(key) ?? new Uint8Array();
  if (!prove) return create(ResponseQuerySchema, { ...at, key: data, value });
  const proof = utf8(JSON.stringify(stateProof.toJson(state.prove(key).proof)));
  return create(ResponseQuerySchema, { ...at, key: data, value, proofOps: { ops: [{ type: PROOF_TYPE, key: data, data: proof }] } });
}
