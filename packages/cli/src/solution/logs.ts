/** Output of zmachines, asked of the 3Nodes that run them, end to end encrypted, for those whom the contract names. */
import { type ContractId, type TwinId, silentLogger } from "@tfgrid/primitives";
import { chainTwinResolver, connectMessenger } from "@tfgrid/messaging";
import { nodeApi } from "@tfgrid/sdk";
import { allRows } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { paint } from "../output/terminal.ts";
import { findSolution } from "./submit.ts";

export interface LogsOptions {
  readonly context: Context;
  readonly name: string;
  readonly zmachine: string | undefined;
  readonly follow: boolean;
  readonly tail: number;
}

interface Source {
  readonly zmachine: string;
  readonly contractId: ContractId;
  readonly nodeTwinId: TwinId;
}

/** @throws GridError cli.not_found, messaging.*, node.* */
export async function followLogs(options: LogsOptions): Promise<void> {
  const { context, follow, tail } = options;
  const { keyPair, twinId } = await context.identity();
  const sources = await sourcesOf(options);
  const messenger = await connectMessenger({ keyPair, twinId, relays: context.endpoints().relays, resolve: chainTwinResolver(context.chain().proven), logger: silentLogger, signal: context.signal });
  try {
    await messenger.ready(context.signal);
    const read = async ({ zmachine, contractId, nodeTwinId }: Source): Promise<void> => {
      for await (const line of messenger.stream({ to: nodeTwinId, method: nodeApi.logs, body: { contractId, zmachine, tail, follow }, signal: context.signal })) {
        const text = line.stream === "stderr" ? paint("yellow", line.text) : line.text;
        context.printer.line({ zmachine, ...line }, `${paint("dim", `${new Date(line.timeMs).toISOString()} ${zmachine}`)} ${text}`);
      }
    };
    const ended = await Promise.allSettled(sources.map(read));
    const failure = ended.find((result) => result.status === "rejected");
    if (failure !== undefined && !context.signal.aborted) throw failure.reason as Error;
  } finally {
    await messenger.stop();
  }
}

async function sourcesOf(options: LogsOptions): Promise<readonly Source[]> {
  const { context, name, zmachine } = options;
  const chain = context.chain();
  const solution = await findSolution(context, name);
  const contracts = await allRows((page) => chain.contracts({ ...page, solutionId: solution.id, active: true }));
  const sources: Source[] = [];
  for (const contract of contracts) {
    if (contract.type !== "node") continue;
    const node = await chain.node(contract.nodeId);
    const names = (contract.report?.zmachines ?? []).map((entry) => entry.name).filter((entry) => zmachine === undefined || entry === zmachine);
    if (node !== undefined) sources.push(...names.map((entry) => ({ zmachine: entry, contractId: contract.id, nodeTwinId: node.twinId })));
  }
  if (sources.length === 0) throw cliErrors.fail("cli.not_found", { message: `Solution "${solution.name}" has no ${zmachine === undefined ? "running zmachine" : `zmachine ${zmachine}`}.` });
  return sources;
}
