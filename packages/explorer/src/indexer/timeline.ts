/**
 * What people read: events and the difference between the last and the new report of a contract, told in sentences. Pure.
 * Events say that something changed; what changed is seen by comparing entities, so a report that repeats itself tells nothing.
 */
import { type Report, chain } from "@tfgrid/tfchain";
import type { ChainEvent, Contract, ContractId, NodeId, SolutionId } from "../types.ts";

export type Level = "info" | "good" | "warn" | "bad";

export interface TimelineRow {
  readonly type: string;
  readonly code: string;
  readonly level: Level;
  readonly sentence: string;
  readonly solutionId: SolutionId | null;
  readonly contractId: ContractId | null;
  readonly nodeId: NodeId | null;
  readonly event: ChainEvent;
}

/** What the sentences need to know beside the event. */
export interface View {
  /** As it was before this block. */
  readonly before: ReadonlyMap<ContractId, Contract>;
  readonly now: ReadonlyMap<ContractId, Contract>;
  /** Active node contracts per node that went up or down. */
  readonly onNode: ReadonlyMap<NodeId, readonly Contract[]>;
  /** `SOLUTION/ZMACHINE` -> node where it last ran; this function moves the entries on. */
  readonly placements: Map<string, NodeId>;
  /** Last report told per contract: `state code`; moved on here too. */
  readonly told: Map<ContractId, string>;
}

type Zmachine = Report["zmachines"][number];
const RUNS = new Set<string>(["running", "healthy"]);

const reportOf = (contract: Contract | undefined): Report | null => (contract?.type === "node" ? contract.report : null);
const namesOf = (contract: Contract | undefined): string => listNames((reportOf(contract)?.zmachines ?? []).map(({ name }) => name));

function listNames(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

const because = (code?: string, message?: string): string => {
  if (message !== undefined && message !== "") return `: ${message}`;
  return code === undefined || code === "" ? "" : `: ${code}`;
};

const ZMACHINE_WORDS: Readonly<Record<Zmachine["state"], readonly [string, Level]>> = {
  waiting: ["waits for what it depends on", "info"],
  pulling: ["pulls its image", "info"],
  starting: ["starts", "info"],
  running: ["runs", "good"],
  healthy: ["is healthy", "good"],
  unhealthy: ["fails its health check", "bad"],
  restarting: ["restarts", "warn"],
  exited: ["has ended", "info"],
  failed: ["failed", "bad"],
  stopped: ["is stopped", "info"],
};

type Reported = Extract<ChainEvent, { type: "contracts.reported" }>;

/** One row per zmachine whose state differs from the last report. */
function zmachineRows(event: Reported, view: View): TimelineRow[] {
  const contract = view.now.get(event.contractId);
  const before = new Map((reportOf(view.before.get(event.contractId))?.zmachines ?? []).map((zmachine) => [zmachine.name, zmachine]));
  const rows: TimelineRow[] = [];
  for (const zmachine of reportOf(contract)?.zmachines ?? []) {
    const known = before.get(zmachine.name);
    if (known?.state === zmachine.state && known.restarts === zmachine.restarts) continue;
    const [words, level] = ZMACHINE_WORDS[zmachine.state];
    const key = `${event.solutionId ?? 0}/${zmachine.name}`;
    const from = view.placements.get(key);
    const moved = RUNS.has(zmachine.state) && from !== undefined && from !== event.nodeId;
    if (RUNS.has(zmachine.state)) view.placements.set(key, event.nodeId);
    const sentence = moved
      ? `${zmachine.name} moved from node ${from} to node ${event.nodeId} and ${words}`
      : `${zmachine.name} ${words} on node ${event.nodeId}${because(zmachine.code, zmachine.message)}`;
    rows.push(row(event, { code: moved ? "zmachine.moved" : `zmachine.${zmachine.state}`, level, sentence }));
  }
  return rows;
}

const REPORT_LEVELS = { preparing: "info", running: "good", degraded: "warn", failed: "bad", paused: "warn", removed: "info" } as const;

function reportedRows(event: Reported, view: View): TimelineRow[] {
  const rows = zmachineRows(event, view);
  const word = `${event.version} ${event.state} ${event.code ?? ""}`;
  if (view.told.get(event.contractId) === word) return rows;
  view.told.set(event.contractId, word);
  const sentence = `node ${event.nodeId} reports its part (contract ${event.contractId}) ${event.state}${because(event.code, event.message)}`;
  return [...rows, row(event, { code: event.code ?? `report.${event.state}`, level: REPORT_LEVELS[event.state], sentence })];
}

type NodeTurn = Extract<ChainEvent, { type: "nodes.up" | "nodes.down" }>;

/** One row for the grid and one for each solution that has a part there. */
function nodeRows(event: NodeTurn, view: View): TimelineRow[] {
  const lost = event.type === "nodes.down";
  const code = lost ? "node.lost" : "node.up";
  const level: Level = lost ? "bad" : "good";
  const rows = [
    row(event, { code, level, sentence: lost ? `node ${event.nodeId} lost: its heartbeats stopped` : `node ${event.nodeId} is up` }),
  ];
  const bySolution = new Map<SolutionId, string[]>();
  for (const contract of view.onNode.get(event.nodeId) ?? []) {
    if (contract.solutionId === null || contract.type !== "node") continue;
    const names = (contract.report?.zmachines ?? []).map(({ name }) => name);
    bySolution.set(contract.solutionId, [...(bySolution.get(contract.solutionId) ?? []), ...names]);
  }
  for (const [solutionId, names] of bySolution) {
    const held = names.length === 0 ? "" : ` with ${listNames(names)}`;
    const sentence = lost ? `node ${event.nodeId} lost${held}` : `node ${event.nodeId} is back${held}`;
    rows.push(row(event, { code, level, sentence, solutionId }));
  }
  return rows;
}

interface Told {
  readonly code: string;
  readonly level: Level;
  readonly sentence: string;
  readonly solutionId?: SolutionId;
}

function row(event: ChainEvent, told: Told): TimelineRow {
  const ids = event as { solutionId?: SolutionId | null; contractId?: ContractId | null; nodeId?: NodeId };
  const { code, level, sentence } = told;
  return {
    type: event.type,
    code,
    level,
    sentence,
    solutionId: told.solutionId ?? ids.solutionId ?? null,
    contractId: ids.contractId ?? null,
    nodeId: ids.nodeId ?? null,
    event,
  };
}

const CAUSES: Readonly<Record<string, string>> = {
  canceled_by_owner: "cancelled by its owner",
  canceled_by_agent: "cancelled by the agent",
  solution_cancelled: "the solution was cancelled",
  out_of_funds: "the money ran out",
};
const cause = (code: string): string => CAUSES[code] ?? code;

const STATE_LEVELS: Readonly<Record<string, Level>> = { running: "good", degraded: "warn", paused: "warn", failed: "bad" };

/** The compiler proves that it is never called: a new event type without a sentence does not compile. */
function unreachable(event: never): never {
  throw new Error(`no sentence for ${JSON.stringify(event)}`);
}

type Of<Prefix extends string> = Extract<Exclude<ChainEvent, chain.NewsEvent>, { type: `${Prefix}.${string}` }>;
type ContractEvent = Exclude<Of<"contracts">, { type: "contracts.reported" | "contracts.billed" }>;

function contractSentence(event: ContractEvent, view: View): Told {
  switch (event.type) {
    case "contracts.created": {
      const contract = view.now.get(event.contractId);
      const name = contract?.type === "name" ? contract.name : undefined;
      const rented = `node ${event.nodeId} is rented as a whole by twin ${event.twinId} (contract ${event.contractId})`;
      if (event.kind === "rent") return { code: "contract.created", level: "info", sentence: rented };
      const sentence =
        event.kind === "name"
          ? `the name ${name === undefined ? "" : `"${name}" `}is reserved on gateway node ${event.nodeId} (contract ${event.contractId})`
          : `a part is placed on node ${event.nodeId} (contract ${event.contractId})`;
      return { code: "contract.created", level: "info", sentence };
    }
    case "contracts.updated":
      return {
        code: "contract.updated",
        level: "info",
        sentence: `node ${event.nodeId} gets version ${event.version} of its part (contract ${event.contractId})`,
      };
    case "contracts.grace":
      return {
        code: "contract.grace",
        level: "warn",
        sentence: `the part on node ${event.nodeId} is paused: no money left for contract ${event.contractId}`,
      };
    case "contracts.resumed":
      return {
        code: "contract.resumed",
        level: "good",
        sentence: `the part on node ${event.nodeId} goes on: contract ${event.contractId} is paid again`,
      };
    case "contracts.deleted": {
      const names = namesOf(view.before.get(event.contractId));
      const what = names === "" ? "the part" : names;
      return {
        code: event.cause,
        level: "info",
        sentence: `${what} on node ${event.nodeId} ended, ${cause(event.cause)} (contract ${event.contractId})`,
      };
    }
    default:
      return unreachable(event);
  }
}

function solutionSentence(event: Of<"solutions">): Told {
  switch (event.type) {
    case "solutions.created":
      return { code: "solution.created", level: "info", sentence: `"${event.name}" was proposed by twin ${event.twinId}` };
    case "solutions.signed":
      return {
        code: "solution.signed",
        level: "info",
        sentence: `twin ${event.twinId} signed version ${event.version} (${event.weight} of ${event.needed} needed)`,
      };
    case "solutions.accepted":
      return {
        code: "solution.accepted",
        level: "good",
        sentence: `version ${event.version} is accepted: agent ${event.agentTwinId} may act`,
      };
    case "solutions.state":
      return {
        code: event.code,
        level: STATE_LEVELS[event.state] ?? "info",
        sentence: `${event.state}${because(event.code, event.message)}`,
      };
    case "solutions.deposited":
      return { code: "solution.deposited", level: "info", sentence: "money was added to the deposit" };
    case "solutions.cancelled":
      return { code: "solution.cancelled", level: "info", sentence: `the solution ended, ${cause(event.cause)}` };
    case "solutions.member":
      return {
        code: event.joined ? "member.joined" : "member.left",
        level: "info",
        sentence: `device "${event.name}" ${event.joined ? "joined" : "left"} the private network`,
      };
    default:
      return unreachable(event);
  }
}

type OtherEvent = Of<"farms" | "twins" | "notary"> | Exclude<Of<"nodes">, NodeTurn>;

function otherSentence(event: OtherEvent): Told {
  switch (event.type) {
    case "nodes.registered":
      return { code: "node.registered", level: "good", sentence: `node ${event.nodeId} joined farm ${event.farmId}` };
    case "nodes.maintenance": {
      const words = { none: "takes new work again", cordon: "takes no new work", drain: "is being emptied for maintenance" }[event.mode];
      return { code: `node.${event.mode === "none" ? "uncordon" : event.mode}`, level: "info", sentence: `node ${event.nodeId} ${words}` };
    }
    case "nodes.updated":
      return { code: "node.updated", level: "info", sentence: `node ${event.nodeId} changed its description` };
    case "farms.created":
      return { code: "farm.created", level: "info", sentence: `farm "${event.name}" was created by twin ${event.twinId}` };
    case "farms.updated":
      return { code: "farm.updated", level: "info", sentence: `farm ${event.farmId} was changed` };
    case "twins.created":
      return { code: "twin.created", level: "info", sentence: `twin ${event.twinId} was created` };
    case "twins.updated":
      return { code: "twin.updated", level: "info", sentence: `twin ${event.twinId} was changed` };
    case "notary.anchored":
      return { code: "document.anchored", level: "info", sentence: `twin ${event.author} anchored a document` };
    default:
      return unreachable(event);
  }
}

/** Bills and transfers are no news: they have their own lists. */
export function tell(event: ChainEvent, view: View): TimelineRow[] {
  if (chain.isNews(event)) return [row(event, { code: event.type, level: "info", sentence: chain.newsSentence(event) })];
  switch (event.type) {
    case "accounts.transferred":
    case "contracts.billed":
      return [];
    case "contracts.reported":
      return reportedRows(event, view);
    case "nodes.up":
    case "nodes.down":
      return nodeRows(event, view);
    case "contracts.created":
    case "contracts.updated":
    case "contracts.grace":
    case "contracts.resumed":
    case "contracts.deleted":
      return [row(event, contractSentence(event, view))];
    case "solutions.created":
    case "solutions.signed":
    case "solutions.accepted":
    case "solutions.state":
    case "solutions.deposited":
    case "solutions.cancelled":
    case "solutions.member":
      return [row(event, solutionSentence(event))];
    case "nodes.registered":
    case "nodes.maintenance":
    case "nodes.updated":
    case "farms.created":
    case "farms.updated":
    case "twins.created":
    case "twins.updated":
    case "notary.anchored":
      return [row(event, otherSentence(event))];
    default:
      return unreachable(event);
  }
}
