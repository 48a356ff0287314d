/** Brings the whole grid up on one machine, step by step, and takes it down again without a trace. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type FarmId, type Logger, type TwinId, messageOf, systemClock } from "@tfgrid/primitives";
import type { PublicGrid } from "@tfgrid/explorer";
import { type ChainClient, connectChain, ensureCometBft } from "@tfgrid/tfchain";
import { endpointsFile, type GridEndpoints } from "../endpoints.ts";
import { cliErrors } from "../errors.ts";
import { inWords, keepChoice } from "./chain-choice.ts";
import { chainAccessOf, chainIdOf, chainPrograms, serverUrl } from "./chain-programs.ts";
import { type Forwarder, startForwarder } from "./forwarder.ts";
import { ensureHostNetwork, ensureMachine, removeHostNetwork } from "./host-network.ts";
import { type GridKeys, loadOrMakeKeys } from "./keys.ts";
import type { GridLayout, NodeLayout } from "./layout.ts";
import * as programs from "./programs.ts";
import type { Progress } from "./progress.ts";
import { signJoinToken } from "./join-token.ts";
import { registerPeople } from "./people.ts";
import { removeFile, writeJson } from "./state-files.ts";
import { Supervisor, killLeftovers } from "./supervisor.ts";
import { tearDownNodes } from "./teardown.ts";

export interface RunningGrid {
  readonly layout: GridLayout;
  readonly keys: GridKeys;
  readonly endpoints: GridEndpoints;
  readonly chain: ChainClient;
  readonly supervisor: Supervisor;
  stop(): Promise<void>;
}

export interface StartGridOptions {
  readonly layout: GridLayout;
  readonly progress: Progress;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** What has been started so far, so that a failure or Ctrl-C at any step takes down exactly that. */
interface Parts {
  readonly supervisor: Supervisor;
  readonly forwarders: Forwarder[];
  chain: ChainClient | undefined;
}

/** @throws GridError cli.start_failed and others; nothing is left behind then */
export async function startGrid(options: StartGridOptions): Promise<RunningGrid> {
  const { layout, logger } = options;
  mkdirSync(layout.files.configs, { recursive: true, mode: 0o700 });
  await removeRemains(layout, logger);
  const supervisor = new Supervisor({ logsDir: layout.files.logs, pidsFile: layout.files.processes, logger });
  const parts: Parts = { supervisor, forwarders: [], chain: undefined };
  const stop = (): Promise<void> => stopGrid(layout, parts, logger);
  try {
    return { ...(await bringUp(options, parts)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(options: StartGridOptions, parts: Parts): Promise<Omit<RunningGrid, "stop">> {
  const { layout, progress, signal } = options;
  const { supervisor } = parts;
  const keys = loadOrMakeKeys(layout.files.keys);
  const { genesisTimeMs } = keepChoice(layout.stateDir, { validators: layout.validators, genesisTimeMs: systemClock.nowMs() });
  const gateway = await progress.step("lay the network between farmers", async () => {
    await ensureHostNetwork(layout, signal);
    return reachGateway(layout, parts);
  });
  signal.throwIfAborted();
  if (layout.validators > 0) await progress.step("prepare CometBFT", (note) => ensureCometBft({ note, signal }));
  const chain = await progress.step(`start TFChain (${inWords(layout.validators)})`, async () => {
    await Promise.all(chainPrograms({ layout, keys, genesisTimeMs }).map((program) => supervisor.start(program)));
    return connectChain(chainAccessOf(layout, keys, 0));
  });
  parts.chain = chain;
  signal.throwIfAborted();
  const [, relays] = await progress.step("start notary, relay and image registry", () => Promise.all([supervisor.start(programs.notaryProgram(layout, keys)), startRelay(layout, keys, supervisor), supervisor.start(programs.registryProgram(layout))]));
  signal.throwIfAborted();
  const people = await progress.step("register twins and the farm", () => registerPeople({ chain, keys, relays }));
  signal.throwIfAborted();
  const grid = publicGridOf({ layout, keys, gateway, agentTwinId: people.agentTwinId });
  const bootOptions = { ...options, keys, farmId: people.farmId, relays, supervisor };
  await progress.step(`boot ${layout.nodes.length} 3Nodes, start explorer and dashboard`, (note) =>
    Promise.all([bootNodes({ ...bootOptions, note }), programs.explorerProgram({ layout, keys, grid }).then((explorer) => supervisor.start(explorer))]),
  );
  signal.throwIfAborted();
  // After the 3Nodes have spoken: it would look for other places for what runs on those that it takes for lost.
  await progress.step("start the contract agent", () => supervisor.start(programs.agentProgram(layout, keys)));
  signal.throwIfAborted();
  const endpoints = publish({ layout, grid, gateway, relays, people, explorer: programs.explorerUrl(supervisor) });
  return { layout, keys, endpoints, chain, supervisor };
}

async function startRelay(layout: GridLayout, keys: GridKeys, supervisor: Supervisor): Promise<readonly string[]> {
  const endpoints = await supervisor.start(programs.relayProgram(layout, keys));
  return programs.relayAddresses(endpoints);
}

interface BootOptions extends StartGridOptions {
  readonly keys: GridKeys;
  readonly farmId: FarmId;
  readonly relays: readonly string[];
  readonly supervisor: Supervisor;
  readonly note: (text: string) => void;
}

async function bootNodes(options: BootOptions): Promise<void> {
  const { layout, keys, farmId, supervisor, note, signal, relays } = options;
  const joinToken = signJoinToken({ farmer: keys.farmer, farmId, chainId: chainIdOf(layout), nowMs: systemClock.nowMs() });
  let up = 0;
  const boot = async (node: NodeLayout): Promise<void> => {
    await ensureMachine(layout, node, signal);
    await supervisor.start(programs.nodeProgram({ layout, node, keys, joinToken, relays }));
    up += 1;
    note(`${up} of ${layout.nodes.length} registered`);
  };
  await Promise.all(layout.nodes.map(boot));
}

/** Ways from this machine's loopback to the gateway node, for people's browsers. */
async function reachGateway(layout: GridLayout, parts: Parts): Promise<GridEndpoints["gateway"]> {
  const { address } = gatewayNode(layout);
  const open = async (wanted: number, port: number): Promise<number> => {
    const forwarder = await startForwarder({ port: wanted, to: { host: address, port } });
    parts.forwarders.push(forwarder);
    return forwarder.port;
  };
  const http = await open(layout.ports.gatewayHttp, 80);
  const https = await open(layout.ports.gatewayHttps, 443);
  return { address, domain: layout.domain, http: `http://${layout.domain}:${http}`, https: `https://${layout.domain}:${https}` };
}

function gatewayNode(layout: GridLayout): NodeLayout {
  const gateway = layout.nodes.find((node) => node.role === "gateway");
  if (gateway === undefined) throw new Error("the layout has a gateway node");
  return gateway;
}

function publicGridOf(options: { readonly layout: GridLayout; readonly keys: GridKeys; readonly gateway: GridEndpoints["gateway"]; readonly agentTwinId: TwinId }): PublicGrid {
  const { layout, keys, gateway, agentTwinId } = options;
  const { domain, http, https } = gateway;
  return {
    chain: chainAccessOf(layout, keys, 0),
    notary: [programs.notaryUrl(layout)],
    gateway: { domain, http, https },
    registry: programs.registryName,
    agentTwinId,
  };
}

interface PublishOptions {
  readonly layout: GridLayout;
  readonly grid: PublicGrid;
  readonly gateway: GridEndpoints["gateway"];
  readonly relays: readonly string[];
  readonly people: { readonly userTwinId: TwinId; readonly agentTwinId: TwinId; readonly farmId: FarmId };
  readonly explorer: string;
}

function publish(options: PublishOptions): GridEndpoints {
  const { layout, grid, gateway, relays, people, explorer } = options;
  const endpoints: GridEndpoints = {
    gridId: layout.gridId,
    chain: { url: serverUrl(layout.chains[0]), ...grid.chain },
    notary: grid.notary,
    relays,
    explorer,
    dashboard: explorer,
    gateway,
    registry: { name: programs.registryName, url: programs.registryUrl(layout), registriesConf: layout.files.registriesConf },
    ...people,
  };
  writeJson(endpointsFile(layout.stateDir), endpoints);
  return endpoints;
}

/** Ends everything, in the order opposite to the start; goes on when one part resists and reports that at the end. */
async function stopGrid(layout: GridLayout, parts: Parts, logger: Logger): Promise<void> {
  const problems: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      problems.push(`${what}: ${messageOf(error)}`);
      logger.error("could not stop a part", { what, error });
    }
  };
  removeFile(endpointsFile(layout.stateDir));
  for (const forwarder of parts.forwarders) await attempt("port forwarding", () => forwarder.stop());
  await attempt("chain client", async () => parts.chain?.close());
  // The ledger first: it must not watch the 3Nodes fall silent one by one and have their contracts moved.
  await attempt("programs", () => parts.supervisor.stopAll(layout.chains.map(({ name }) => name)));
  await attempt("3Nodes", () => tearDownNodes(layout, logger));
  await attempt("network", () => removeHostNetwork(layout));
  removeFile(layout.files.supervisorPid);
  if (problems.length > 0) throw cliErrors.fail("cli.program_failed", { message: `Not everything could be removed: ${problems.join("; ")}` });
}

/** Whatever a killed grid left: its programs, zmachines, namespaces, mounts. State files stay. */
export async function removeRemains(layout: GridLayout, logger: Logger): Promise<void> {
  if (!existsSync(layout.stateDir)) return;
  const killed = await killLeftovers(layout.files.processes);
  if (killed.length > 0) logger.info("ended what an earlier grid left running", { programs: killed });
  await tearDownNodes(layout, logger);
  await removeHostNetwork(layout);
  removeFile(endpointsFile(layout.stateDir));
  rmSync(join(layout.stateDir, "run", "configs"), { recursive: true, force: true });
  mkdirSync(layout.files.configs, { recursive: true, mode: 0o700 });
}
