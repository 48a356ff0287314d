/** Carries out one step through the drivers. Decides nothing. */
import type { ComputeDriver, StorageDriver } from "../ports.ts";
import type { OpenedFile } from "./spec-hash.ts";
import type { Action, Actual, DesiredContract, DesiredZmachine } from "./model.ts";
import { afterProbe, freshHealth } from "./health.ts";
import { znetKey } from "./keys.ts";
import type { NodeMemory } from "./memory.ts";

/** Private networks of this node, as far as provisioning needs them. */
export interface NodeNetworks {
  /** Idempotent; answers the UDP port on which the network's WireGuard listens. */
  ensureZnet(options: { readonly key: string; readonly network: DesiredContract["networks"][number] }): Promise<{ readonly listenPort: number }>;
  removeZnet(key: string): Promise<void>;
  attach(options: {
    readonly key: string;
    readonly networks: readonly { readonly znet: string; readonly ip: string }[];
  }): Promise<{ readonly netnsPath: string; readonly nameserver: string }>;
  detach(key: string): Promise<void>;
  list(): Promise<{ readonly znets: readonly string[]; readonly attachments: readonly string[] }>;
}

export interface Drivers {
  readonly compute: ComputeDriver;
  readonly storage: StorageDriver;
  readonly networks: NodeNetworks;
}

export interface ExecutorContext {
  readonly drivers: Drivers;
  readonly memory: NodeMemory;
  readonly nowMs: () => number;
  /** Opens the secrets of a zmachine for the time of its start only. */
  readonly files: (contract: DesiredContract, zmachine: DesiredZmachine) => readonly OpenedFile[];
  /** Makes the memory durable. */
  readonly persist: () => Promise<void>;
  readonly znetPorts: Map<string, number>;
  readonly actual: () => Actual;
}

type Of<T extends Action["type"]> = Extract<Action, { readonly type: T }>;

export async function execute(context: ExecutorContext, action: Action, signal: AbortSignal): Promise<void> {
  const { compute, storage, networks } = context.drivers;
  switch (action.type) {
    case "ensure_volume": {
      const { contractId, name, sizeBytes, kind } = action;
      await storage.ensureVolume({ contractId, name, sizeBytes, kind });
      break;
    }
    case "remove_volume":
      await storage.removeVolume({ contractId: action.contractId, name: action.name });
      break;
    case "ensure_znet":
      context.znetPorts.set(action.key, (await networks.ensureZnet({ key: action.key, network: action.network })).listenPort);
      break;
    case "remove_znet":
      await networks.removeZnet(action.key);
      context.znetPorts.delete(action.key);
      break;
    case "pull":
      await compute.pullImage(action.image, { signal });
      break;
    case "start":
      await start(context, action);
      break;
    case "stop":
      await stop(context, action);
      break;
    case "remove":
      await compute.remove(action.key);
      await networks.detach(action.key);
      break;
    case "detach":
      await networks.detach(action.key);
      break;
    case "probe":
      await probe(context, action);
      break;
  }
}

async function start(context: ExecutorContext, { contract, zmachine, restart }: Of<"start">): Promise<void> {
  const { compute, storage, networks } = context.drivers;
  const { key, spec, specHash } = zmachine;
  const attached = spec.networks.map(({ name, ip }) => ({ znet: znetKey(contract.solutionId, name), ip }));
  const { netnsPath, nameserver } = await networks.attach({ key, networks: attached });
  const volumes = await storage.listVolumes();
  const own = volumes.filter(({ contractId }) => contractId === contract.contractId);
  const volumePaths = Object.fromEntries(own.map(({ name, path }) => [name, path]));
  const files = context.files(contract, zmachine);
  const before = context.actual().zmachines.find((status) => status.key === key);
  const { contractId } = contract;
  await compute.start({ key, contractId, spec, specHash, netnsPath, volumePaths, files, nameserver, searchDomains: [] });
  if (restart) {
    context.memory.countRestart(zmachine, before);
    await context.persist();
  }
}

/** Written down first: after a crash in between, the end is known to be ours. */
async function stop(context: ExecutorContext, { key, runMs, reason, stopSignal, graceMs }: Of<"stop">): Promise<void> {
  context.memory.update(key, { halt: { runMs, reason } });
  await context.persist();
  await context.drivers.compute.stop(key, { stopSignal, graceMs });
}

async function probe(context: ExecutorContext, { key, runMs, healthcheck }: Of<"probe">): Promise<void> {
  const { healthy, output } = await context.drivers.compute.probe(key, healthcheck.test, { timeoutMs: healthcheck.timeoutMs });
  const { memory } = context;
  const known = memory.of(key).health;
  const before = known?.runMs === runMs ? known : freshHealth(runMs, context.nowMs());
  const health = afterProbe({ health: before, check: healthcheck, healthy, output, nowMs: context.nowMs() });
  memory.update(key, { health });
  if (health.state !== before.state || known?.runMs !== runMs) await context.persist();
}
