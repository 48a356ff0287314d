/**
 * What a 3Node answers over messaging. Only reading, and only about the caller's own: there is no call here that
 * changes or runs anything on the node, and none may ever be added.
 */
import type { Messenger } from "@tfgrid/messaging";
import type { Clock, ContractId, TwinId } from "@tfgrid/primitives";
import { NODE_API_LIMITS, nodeApi, type NodeLogLine, type NodeStatus } from "@tfgrid/sdk";
import type { Report } from "@tfgrid/tfchain";
import type { BookEntry } from "../agent/contract-book.ts";
import type { SolutionView } from "../agent/solution-book.ts";
import { nodeErrors } from "../errors.ts";
import type { ComputeDriver } from "../ports.ts";
import { zmachineKey } from "../provisioning/keys.ts";
import type { Registration } from "../registration/register.ts";

export interface NodeApiFacts {
  readonly entries: () => ReadonlyMap<ContractId, BookEntry>;
  readonly solution: (contractId: ContractId) => SolutionView["solution"] | undefined;
  readonly reports: () => ReadonlyMap<ContractId, Report>;
}

export interface NodeApiOptions {
  readonly facts: NodeApiFacts;
  readonly compute: Pick<ComputeDriver, "logs" | "metrics">;
  readonly registration: Registration;
  readonly softwareVersion: string;
  readonly startedAtMs: number;
  readonly clock: Clock;
}

/** Owner, signers and agent of the solution, by the ledger. */
export function mayRead(solution: SolutionView["solution"] | undefined, twinId: TwinId): boolean {
  if (solution === undefined) return false;
  return solution.twinId === twinId || solution.agentTwinId === twinId || solution.signers.some((signer) => signer.twinId === twinId);
}

export function serveNodeApi(messenger: Pick<Messenger, "handle" | "handleStream">, options: NodeApiOptions): () => void {
  const ends = [
    messenger.handleStream(nodeApi.logs, ({ from, body, signal }) => logs(options, { from, ...body, signal })),
    messenger.handle(nodeApi.metrics, ({ from, body }) => metrics(options, from, body.contractId)),
    messenger.handle(nodeApi.status, ({ from, body }) => Promise.resolve(status(options, from, body.contractId))),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** The same answer for what does not exist and what is not the caller's: strangers learn nothing. */
function checked({ facts }: NodeApiOptions, from: TwinId, contractId: ContractId): BookEntry {
  const entry = facts.entries().get(contractId);
  if (entry === undefined || !mayRead(facts.solution(contractId), from)) throw nodeErrors.fail("node.api_forbidden", { details: { contractId } });
  return entry;
}

interface LogsQuestion {
  readonly from: TwinId;
  readonly contractId: ContractId;
  readonly zmachine: string;
  readonly tail: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

async function* logs(options: NodeApiOptions, question: LogsQuestion): AsyncIterable<NodeLogLine> {
  const { from, contractId, zmachine, tail, follow, signal } = question;
  const { held } = checked(options, from, contractId);
  if (held?.instruction.zmachines.some(({ name }) => name === zmachine) !== true) {
    throw nodeErrors.fail("node.api_not_found", { details: { contractId, zmachine } });
  }
  for await (const line of options.compute.logs(zmachineKey(contractId, zmachine), { tail, follow, signal })) {
    // Access may end while the stream runs.
    checked(options, from, contractId);
    yield { ...line, text: line.text.slice(0, NODE_API_LIMITS.logLineLength).toWellFormed() };
  }
}

async function metrics(options: NodeApiOptions, from: TwinId, contractId: ContractId) {
  const { held } = checked(options, from, contractId);
  const names = held?.instruction.zmachines.map(({ name }) => name) ?? [];
  const found = await Promise.all(
    names.map(async (zmachine) => {
      const usage = await options.compute.metrics(zmachineKey(contractId, zmachine));
      if (usage === undefined) return undefined;
      const { cpuUsageUs, memoryBytes, memoryLimitBytes, pids } = usage;
      const reported = options.facts.reports().get(contractId)?.zmachines.find(({ name }) => name === zmachine);
      return { zmachine, cpuUsageUs, memoryBytes, memoryLimitBytes, pids, restarts: reported?.restarts ?? usage.restarts };
    }),
  );
  return { timeMs: options.clock.nowMs(), zmachines: found.filter((entry) => entry !== undefined) };
}

function status(options: NodeApiOptions, from: TwinId, contractId: ContractId | undefined): NodeStatus {
  if (contractId !== undefined) checked(options, from, contractId);
  const { facts, registration, softwareVersion, startedAtMs } = options;
  const own = [...facts.entries().values()]
    .filter((entry) => (contractId === undefined || entry.contractId === contractId) && mayRead(facts.solution(entry.contractId), from))
    .slice(0, NODE_API_LIMITS.contractsPerStatus);
  const contracts = own.map(({ contractId: id, contract, held }) => {
    const report = facts.reports().get(id);
    return {
      contractId: id,
      wantedVersion: contract?.version ?? held?.version ?? 0,
      appliedVersion: report?.version ?? 0,
      state: report?.state ?? ("preparing" as const),
      ...(report?.code === undefined ? {} : { code: report.code }),
      ...(report?.message === undefined ? {} : { message: report.message }),
      zmachines: (report?.zmachines ?? []).map(({ name, state, startedAtMs: at, restarts }) => ({ zmachine: name, state, startedAtMs: at, restarts })),
    };
  });
  return { nodeId: registration.nodeId, softwareVersion, startedAtMs, contracts };
}
