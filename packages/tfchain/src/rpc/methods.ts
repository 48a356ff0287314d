/** Every method of the ledger's RPC: name, parameters, result. Server, client and the OpenRPC document are made from this. */
import { s } from "@tfgrid/primitives";
import { blockInfo, engineStatus, invitation, txResult } from "../engines/engine.ts";
import { provenValue } from "../light/proven.ts";
import { signedHeader } from "../light/signed-header.ts";
import * as e from "../types/entities.ts";
import { method, page, rows } from "./method.ts";
import { moduleMethods } from "./module-methods.ts";

export type { Method } from "./method.ts";

/** Text of the largest transaction in hex, with room to spare. */
const TX_TEXT = 2 * 1024 * 1024;

export const methods = {
  head: method("Height, time and hashes of the last block.", {}, e.head),
  params: method("Parameters of the ledger.", {}, e.params),
  pricing: method("Prices of resources.", {}, e.pricing),
  account: method("Balance and number of an account.", { id: e.accountId }, e.account),
  twin: method("One twin.", { id: e.twinId }, s.nullable(e.twin)),
  twinByAccount: method("The twin of an account.", { account: e.accountId }, s.nullable(e.twin)),
  farm: method("One farm.", { id: e.farmId }, s.nullable(e.farm)),
  farmByName: method("The farm with a name.", { name: e.label }, s.nullable(e.farm)),
  node: method("One 3Node.", { id: e.nodeId }, s.nullable(e.node)),
  nodeByTwin: method("The 3Node that speaks as a twin.", { twinId: e.twinId }, s.nullable(e.node)),
  contract: method("One contract.", { id: e.contractId }, s.nullable(e.contract)),
  nameContract: method("The contract that holds a name.", { name: e.label }, s.nullable(e.contract)),
  solution: method("One solution.", { id: e.solutionId }, s.nullable(e.solution)),
  solutionByName: method("A twin's solution by name, unless cancelled.", { twinId: e.twinId, name: e.label }, s.nullable(e.solution)),
  anchor: method("When a document was anchored, and by whom.", { document: s.cid }, s.nullable(e.anchor)),
  ...moduleMethods,
  twins: method("Twins by ascending id.", page, rows(e.twin)),
  farms: method("Farms by ascending id.", page, rows(e.farm)),
  nodes: method("3Nodes by ascending id.", page, rows(e.node)),
  solutions: method(
    "Solutions by ascending id.",
    { ...page, twinId: s.optional(e.twinId), agentTwinId: s.optional(e.twinId) },
    rows(e.solution),
  ),
  contracts: method(
    "Contracts by ascending id; without `active`, ended ones are included.",
    { ...page, nodeId: s.optional(e.nodeId), solutionId: s.optional(e.solutionId), twinId: s.optional(e.twinId), active: s.optional(s.bool) },
    rows(e.contract),
  ),
  "tx.submit": method(
    "Takes a signed transaction (canonical DAG-CBOR in base64 or lower-case hex) and answers when it is final. Sending the same bytes again is safe.",
    { tx: s.text({ maxLength: TX_TEXT, pattern: /^[A-Za-z0-9+/]*={0,2}$/ }) },
    txResult,
  ),
  "tx.get": method("A final transaction by its hash.", { hash: e.key32 }, s.nullable(txResult)),
  "block.get": method("Signed header and transaction hashes of a height.", { height: e.height }, blockInfo),
  "header.get": method("The signed header of a height, with CometBFT also its commit and validators; without a height, the newest.", { height: s.optional(e.height) }, signedHeader),
  "state.get": method(
    "A state value by its key, with a Merkle proof of presence or absence and the signed header that it meets; `height`: of the state after that block instead of the newest.",
    { key: s.text({ minLength: 1, maxLength: 1_024, pattern: /^[\x20-\x7e]+$/ }), height: s.optional(e.height) },
    provenValue,
  ),
  "chain.invitation": method("What a server needs that wants to take part in the chain: its genesis, and whom to connect to.", {}, invitation),
  "chain.status": method("How this server fares: its engine, whether it has caught up, and since when the chain stands still.", {}, engineStatus),
  "events.follow": method(
    "WebSocket only. Sends `events.block` for every block with events from a height on, without gaps or repeats, and `events.head` from time to time.",
    { from: s.optional(e.height) },
    s.struct({ subscription: s.uint(), from: e.height }),
  ),
  "events.unfollow": method("WebSocket only. Ends a subscription.", { subscription: s.uint() }, s.bool),
} as const;
export type Methods = typeof methods;
export type MethodName = keyof Methods;

/** Notifications of `events.follow`. */
export const NOTIFY_BLOCK = "events.block";
/** Every event up to this height has been sent: where to resume. Also shows that the link lives. */
export const NOTIFY_HEAD = "events.head";
/** The server ends the subscription; the connection closes after it. */
export const NOTIFY_END = "events.end";

export function openRpc(chainId: string): Record<string, unknown> {
  return {
    openrpc: "1.3.2",
    info: { title: "TFChain", version: "1", description: `Ledger ${chainId}. Money is decimal text in units of 10^-7 TFT; keys and hashes are hex.` },
    methods: [
      ...Object.entries(methods).map(([name, { summary, params, result }]) => {
        const shape = params.jsonSchema() as { properties: Record<string, unknown>; required: string[] };
        return {
          name,
          summary,
          paramStructure: "by-name",
          params: Object.entries(shape.properties).map(([key, schema]) => ({ name: key, required: shape.required.includes(key), schema })),
          result: { name: "result", schema: result.jsonSchema() },
        };
      }),
      { name: "rpc.discover", summary: "This document.", params: [], result: { name: "result", schema: { type: "object" } } },
    ],
  };
}
