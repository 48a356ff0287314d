/** What a 3Node answers over twin-to-twin messaging: to the owner of a contract about it, to other nodes about links. */
import type { RequestMethod, StreamMethod } from "@tfgrid/messaging";
import { bytesToHex, type Hex, type Infer, s, type Schema } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";

export const NODE_API_LIMITS = {
  /** Lines that a reader may ask for from before it came. */
  tailLines: 10_000,
  /** One line of output; longer ones are cut by the node. */
  logLineLength: 16_384,
  /** One flooding of link costs: 500 links of about 120 bytes. */
  linkStateBytes: 65_536,
  /** Contracts in one answer about a node: as many as one solution may have parts. */
  contractsPerStatus: 256,
} as const;

function request<Q, A>(name: string, question: Schema<Q>, answer: Schema<A>): RequestMethod<Q, A> {
  return { kind: "request", name, request: question, answer };
}

function stream<Q, A>(name: string, question: Schema<Q>, item: Schema<A>): StreamMethod<Q, A> {
  return { kind: "stream", name, request: question, item };
}

export const logsRequest = s.struct({
  contractId: chain.contractId,
  zmachine: chain.label,
  tail: s.uint({ max: NODE_API_LIMITS.tailLines }),
  follow: s.bool,
});
export type LogsRequest = Infer<typeof logsRequest>;

export const logLine = s.struct({
  timeMs: chain.timeMs,
  stream: s.oneOf(["stdout", "stderr"]),
  text: s.text({ maxLength: NODE_API_LIMITS.logLineLength }),
});
export type NodeLogLine = Infer<typeof logLine>;

export const zmachineMetrics = s.struct({
  zmachine: chain.label,
  cpuUsageUs: s.uint(),
  memoryBytes: s.uint(),
  memoryLimitBytes: s.uint(),
  pids: s.uint(),
  restarts: s.uint(),
});
export type NodeZmachineMetrics = Infer<typeof zmachineMetrics>;

export const zmachineStatus = s.struct({
  zmachine: chain.label,
  state: s.oneOf(chain.ZMACHINE_STATES),
  startedAtMs: chain.timeMs,
  restarts: s.uint(),
});

export const contractStatus = s.struct({
  contractId: chain.contractId,
  /** Contract version that the node works on, and the one that is in place. */
  wantedVersion: s.uint(),
  appliedVersion: s.uint(),
  state: s.oneOf(chain.REPORT_STATES),
  code: s.optional(chain.code),
  message: s.optional(chain.message),
  zmachines: s.list(zmachineStatus, { max: chain.LIMITS.zmachinesPerContract }),
});
export type NodeContractStatus = Infer<typeof contractStatus>;

export const nodeStatus = s.struct({
  nodeId: chain.nodeId,
  softwareVersion: s.text({ maxLength: 32 }),
  startedAtMs: chain.timeMs,
  /** Of all contracts that the caller owns or acts for as agent, or of the one that was asked for. */
  contracts: s.list(contractStatus, { max: NODE_API_LIMITS.contractsPerStatus }),
});
export type NodeStatus = Infer<typeof nodeStatus>;

/** Bytes of the peer network's own; hex text in memory (see `linkStateBody`). */
const linkState = s.struct({ bytes: s.hex({ maxLength: NODE_API_LIMITS.linkStateBytes }) });
export type LinkState = Infer<typeof linkState>;
export const linkStateBody = (bytes: Uint8Array): { readonly bytes: Hex } => ({ bytes: bytesToHex(bytes) });

export const nodeApi = {
  /** Output of one zmachine, to the contract's owner only; with `follow` until the caller leaves. */
  logs: stream("node.logs", logsRequest, logLine),
  metrics: request(
    "node.metrics",
    s.struct({ contractId: chain.contractId }),
    s.struct({ timeMs: chain.timeMs, zmachines: s.list(zmachineMetrics, { max: chain.LIMITS.zmachinesPerContract }) }),
  ),
  status: request("node.status", s.struct({ contractId: s.optional(chain.contractId) }), nodeStatus),
  /** Between nodes of the peer network; the answer is the receiver's own word. */
  linkState: request("node.link_state", linkState, linkState),
} as const;
