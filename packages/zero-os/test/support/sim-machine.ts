/** A machine in memory: what drivers did stays when the agent dies. Each agent gets its own way in, which its death cuts. */
import type { ContractId } from "@tfgrid/primitives";
import type { DesiredZnet } from "@tfgrid/peer-network";
import type { NetworkControl } from "../../src/agent/network-control.ts";
import type { ComputeDriver, StorageDriver, ZmachineStart } from "../../src/ports.ts";
import type { Random } from "./random.ts";
import type { VirtualClock } from "./virtual-clock.ts";

interface Running {
  contractId: ContractId;
  specHash: string;
  state: "created" | "running" | "exited";
  startedAtMs: number;
  exitCode?: number;
  volumes: readonly string[];
  files: ZmachineStart["files"];
}

/** Before each effect: may throw (a failing driver), wait, or never come back (the agent died). */
export type Gate = (step: string, signal?: AbortSignal) => Promise<void>;

export class SimMachine {
  readonly clock: VirtualClock;
  readonly zmachines = new Map<string, Running>();
  readonly volumes = new Map<string, { contractId: ContractId; name: string; sizeBytes: number }>();
  readonly znets = new Map<string, number>();
  /** Bytes between a network and the Internet. */
  readonly traffic = new Map<string, number>();
  readonly attachments = new Set<string>();
  readonly images = new Set<string>();
  readonly unhealthy = new Set<string>();
  readonly missingImages = new Set<string>();
  wishes: readonly DesiredZnet[] = [];
  readonly log: string[] = [];
  #listeners = new Set<(key: string) => void>();
  #runs = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  exit(key: string, exitCode: number): void {
    const zmachine = this.zmachines.get(key);
    if (zmachine?.state !== "running") throw new Error(`${key} does not run`);
    zmachine.state = "exited";
    zmachine.exitCode = exitCode;
    for (const listener of this.#listeners) listener(key);
  }

  /** Power cut: processes and namespaces are gone, disks stay. */
  powerCycle(): void {
    for (const zmachine of this.zmachines.values()) {
      if (zmachine.state !== "running") continue;
      zmachine.state = "exited";
      delete zmachine.exitCode;
    }
    this.znets.clear();
    this.attachments.clear();
    this.#listeners.clear();
  }

  compute(gate: Gate): ComputeDriver {
    return {
      pullImage: async ({ digest }, { signal }) => {
        await gate(`pull ${digest}`, signal);
        if (this.missingImages.has(digest)) throw new Error(`no such image ${digest}`);
        this.images.add(digest);
      },
      start: async (options) => {
        await gate(`start ${options.key}`);
        this.#start(options);
        await gate(`started ${options.key}`);
      },
      stop: async (key) => {
        await gate(`stop ${key}`);
        const zmachine = this.zmachines.get(key);
        if (zmachine?.state !== "running") return;
        this.log.push(`stop ${key}`);
        zmachine.state = "exited";
        zmachine.exitCode = 0;
        await gate(`stopped ${key}`);
      },
      remove: async (key) => {
        await gate(`remove ${key}`);
        if (this.zmachines.delete(key)) this.log.push(`remove ${key}`);
        await gate(`removed ${key}`);
      },
      list: async () => {
        await gate("list zmachines");
        return [...this.zmachines].map(([key, { contractId, specHash, state, startedAtMs, exitCode }]) => ({
          key,
          contractId,
          specHash,
          state,
          startedAtMs,
          ...(exitCode === undefined ? {} : { exitCode }),
        }));
      },
      probe: async (key) => {
        await gate(`probe ${key}`);
        return this.unhealthy.has(key) || this.zmachines.get(key)?.state !== "running"
          ? { healthy: false, output: "no answer" }
          : { healthy: true, output: "" };
      },
      logs: async function* () {
        yield { timeMs: 1, stream: "stdout", text: "hello" } as const;
      },
      metrics: async (key) => {
        if (!this.zmachines.has(key)) return undefined;
        return { cpuUsageUs: 1, memoryBytes: 2, memoryLimitBytes: 3, pids: 4, restarts: 0 };
      },
      onExit: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      collectGarbage: async ({ keepDigests }) => {
        for (const digest of this.images) if (!keepDigests.includes(digest)) this.images.delete(digest);
      },
    };
  }

  #start({ key, contractId, spec, specHash, volumePaths, files, netnsPath }: ZmachineStart): void {
    const before = this.zmachines.get(key);
    if (before?.state === "running" && before.specHash === specHash) return;
    if (before?.state === "running") throw new Error(`${key} runs with another specification`);
    if (!this.images.has(spec.image.digest)) throw new Error(`image ${spec.image.digest} is not in the cache`);
    if (!this.attachments.has(key) || netnsPath !== `/run/netns/${key}`) throw new Error(`${key} has no network`);
    const volumes = spec.mounts.filter(({ type }) => type === "volume").map(({ source }) => volumePaths[source] ?? "");
    if (volumes.some((path) => !this.volumes.has(path))) throw new Error(`${key} lacks a volume`);
    this.log.push(`start ${key}`);
    // Unique, as real start times are.
    const startedAtMs = this.clock.nowMs() * 1000 + (this.#runs += 1);
    this.zmachines.set(key, { contractId, specHash, state: "running", startedAtMs: Math.floor(startedAtMs / 1000), volumes, files });
  }

  storage(gate: Gate): StorageDriver {
    return {
      ensureVolume: async ({ contractId, name, sizeBytes }) => {
        await gate(`volume ${contractId}/${name}`);
        const path = `${contractId}/${name}`;
        if (!this.volumes.has(path)) this.log.push(`make ${path}`);
        this.volumes.set(path, { contractId, name, sizeBytes });
        return { path };
      },
      removeVolume: async ({ contractId, name }) => {
        const path = `${contractId}/${name}`;
        await gate(`remove volume ${path}`);
        const user = [...this.zmachines].find(([, { volumes, state }]) => state === "running" && volumes.includes(path));
        if (user !== undefined) throw new Error(`volume ${path} is in use by ${user[0]}`);
        if (this.volumes.delete(path)) this.log.push(`destroy ${path}`);
      },
      listVolumes: async () => {
        await gate("list volumes");
        return [...this.volumes].map(([path, volume]) => ({ ...volume, usedBytes: 0, path }));
      },
    };
  }

  networks(gate: Gate): NetworkControl {
    return {
      ensureZnet: async ({ key }) => {
        await gate(`znet ${key}`);
        if (!this.znets.has(key)) this.znets.set(key, 40_000 + this.znets.size);
        return { listenPort: this.znets.get(key) as number };
      },
      removeZnet: async (key) => {
        await gate(`remove znet ${key}`);
        this.znets.delete(key);
      },
      attach: async ({ key, networks }) => {
        await gate(`attach ${key}`);
        for (const { znet } of networks) if (!this.znets.has(znet)) throw new Error(`no network ${znet}`);
        this.attachments.add(key);
        return { netnsPath: `/run/netns/${key}`, nameserver: "10.0.0.1" };
      },
      detach: async (key) => {
        await gate(`detach ${key}`);
        if (this.zmachines.get(key)?.state === "running") throw new Error(`${key} still runs`);
        this.attachments.delete(key);
      },
      list: async () => {
        await gate("list networks");
        return { znets: [...this.znets.keys()], attachments: [...this.attachments] };
      },
      setZnets: (znets) => {
        this.wishes = znets;
      },
      nudge: () => undefined,
      publicBytes: async (key) => (this.znets.has(key) ? (this.traffic.get(key) ?? 0) : undefined),
      stop: async () => undefined,
    };
  }
}

/** Cuts an agent off at its n-th effect: from then on nothing it asked for comes back. */
export function mortalGate(options: { readonly random: Random; readonly failures: () => number; readonly diesAfter: number }): {
  readonly gate: Gate;
  kill(): void;
  readonly dead: () => boolean;
} {
  let steps = 0;
  let dead = false;
  const never = new Promise<void>(() => undefined);
  return {
    kill: () => {
      dead = true;
    },
    dead: () => dead,
    gate: async (step) => {
      steps += step.startsWith("list") ? 0 : 1;
      if (steps > options.diesAfter) dead = true;
      if (dead) return never;
      await Promise.resolve();
      if (!step.startsWith("list") && options.random.chance(options.failures())) throw new Error(`the machine refused: ${step}`);
      if (dead) return never;
    },
  };
}
