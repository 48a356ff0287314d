/** `status`: is the grid up, where is everything, what runs. */
import type { Command } from "commander";
import { type Clock, messageOf, systemClock } from "@tfgrid/primitives";
import { allRows } from "@tfgrid/tfchain";
import { type ServerState, serverStates, stateInWords } from "../chain/status.ts";
import type { Context } from "../context.ts";
import { layoutOf } from "../local-grid/layout.ts";
import { runningSupervisor } from "../local-grid/lock.ts";
import { readJson } from "../local-grid/state-files.ts";
import { nodeTable, routeLines, solutionTable, zmachineTable } from "../output/describe.ts";
import type { Action } from "./index.ts";
import { addressLines } from "./up.ts";

export function addStatusCommand(program: Command, action: Action): void {
  program
    .command("status")
    .description("addresses, programs, 3Nodes and solutions of the grid")
    .action(action((context) => showStatus(context, systemClock)));
}

async function showStatus(context: Context, clock: Clock): Promise<void> {
  const endpoints = context.endpoints();
  const layout = layoutOf({ stateDir: context.stateDir, computeNodes: 20 });
  const chain = context.chain();
  const programs = Object.entries((readJson(layout.files.processes) ?? {}) as Record<string, { pid: number }>).map(([name, { pid }]) => ({ name, pid }));
  const [head, nodes, solutions, contracts, failedWork, services] = await Promise.all([
    chain.head(),
    allRows((page) => chain.nodes(page)),
    allRows((page) => chain.solutions(page)),
    allRows((page) => chain.contracts({ ...page, active: true })),
    allRows((page) => chain.failedWork(page)),
    serviceStates(context),
  ]);
  const active = solutions.filter((solution) => solution.state !== "cancelled");
  const value = { supervisorPid: runningSupervisor(layout), stateDir: context.stateDir, endpoints, head, services, programs, nodes, solutions: active, contracts, failedWork };
  context.printer.result(value, () =>
    [
      ...addressLines(endpoints, solutions.some((solution) => solution.name === "guestbook")),
      `chain height ${head.height}, ${programs.length} programs`,
      ...services.filter((service) => !service.ok).map((service) => `${service.name} is not well: ${service.message}`),
      ...failedWork.map(({ kind, subject, failures, reason }) => `the ledger failed on ${kind} ${subject} ${failures} times and tries again (a bug, please report it): ${reason}`),
      "",
      nodeTable(nodes, clock.nowMs()),
      "",
      solutionTable(active),
      "",
      zmachineTable(contracts, clock.nowMs()),
      "",
      ...routeLines(contracts),
    ].join("\n"),
  );
}

interface ServiceState {
  readonly name: string;
  readonly url: string;
  readonly ok: boolean;
  readonly message?: string;
}

const SERVICE_TIMEOUT_MS = 2000;

async function serviceStates(context: Context): Promise<readonly ServiceState[]> {
  const endpoints = context.endpoints();
  const chains = serverStates(endpoints.chain.urls, context.signal);
  const services = [
    ...endpoints.notary.map((url, index) => ({ name: `notary ${index + 1}`, url: `${url}/health` })),
    { name: "explorer", url: `${endpoints.explorer}/health` },
    { name: "registry", url: `${endpoints.registry.url}/v2/` },
  ];
  const others = await Promise.all(
    services.map(async (service) => {
      try {
        const response = await fetch(service.url, { signal: AbortSignal.timeout(SERVICE_TIMEOUT_MS) });
        return response.ok ? { ...service, ok: true } : { ...service, ok: false, message: `HTTP ${response.status}` };
      } catch (error) {
        return { ...service, ok: false, message: messageOf(error) };
      }
    }),
  );
  return [...(await chains).map(chainService), ...others];
}

/** A server that answers but stands still is not well. */
function chainService(state: ServerState, index: number): ServiceState {
  const well = state.ok && state.status.stalledSinceMs === null;
  return { name: `chain ${index + 1}`, url: state.url, ok: well, ...(well ? {} : { message: stateInWords(state, systemClock.nowMs()) }) };
}
