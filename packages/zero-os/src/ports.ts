/**
 * What a 3Node does to its machine, behind small ports. Each has a Linux driver and a simulated one that pass the same
 * compliance suite. All calls are idempotent; `list*` tell the truth of the machine, not of our memory, so that a
 * restarted agent finds what runs and touches nothing that is right.
 */
import type { ContractId } from "@tfgrid/primitives";
import type { ZmachineSpec } from "@tfgrid/notary";

/** `c<contractId>-<zmachine name>`: unique on the node. */
export type ZmachineKey = string;

export interface VolumeId {
  readonly contractId: ContractId;
  readonly name: string;
}

export interface StorageDriver {
  /** Creates, mounts and, when `sizeBytes` has grown, enlarges. The size is enforced by the file system. @throws storage.* */
  ensureVolume(options: VolumeId & { readonly sizeBytes: number; readonly kind: "ssd" | "hdd" }): Promise<{ readonly path: string }>;
  removeVolume(id: VolumeId): Promise<void>;
  listVolumes(): Promise<readonly (VolumeId & { readonly sizeBytes: number; readonly usedBytes: number; readonly path: string })[]>;
}

export interface ZmachineStart {
  readonly key: ZmachineKey;
  readonly contractId: ContractId;
  readonly spec: ZmachineSpec;
  /** Hash over everything that requires a new zmachine when it changes; kept with the zmachine and given back by `list`. */
  readonly specHash: string;
  /** Network namespace made by the NetworkDriver. */
  readonly netnsPath: string;
  /** Volume name -> mounted path on the node. */
  readonly volumePaths: Readonly<Record<string, string>>;
  /** Secrets opened, configs as they are; written to memory-backed storage only. */
  readonly files: readonly {
    readonly target: string;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly bytes: Uint8Array;
  }[];
  readonly nameserver: string;
  readonly searchDomains: readonly string[];
}

export interface ZmachineStatus {
  readonly key: ZmachineKey;
  readonly contractId: ContractId;
  readonly specHash: string;
  readonly state: "created" | "running" | "exited";
  readonly startedAtMs: number;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
}

export interface LogLine {
  readonly timeMs: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

export interface ZmachineMetrics {
  readonly cpuUsageUs: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly pids: number;
  readonly restarts: number;
}

export interface ComputeDriver {
  /** Into the node's cache, verified by digest, unpacked once. @throws compute.image_* */
  pullImage(
    image: ZmachineSpec["image"],
    options: { readonly signal: AbortSignal; readonly onProgress?: (message: string) => void },
  ): Promise<void>;
  /** Starts unless the same specHash runs already. The image must be in the cache. @throws compute.* */
  start(options: ZmachineStart): Promise<void>;
  /** Asks with the signal, then kills after the grace; the zmachine stays listed as exited. */
  stop(key: ZmachineKey, options: { readonly stopSignal: string; readonly graceMs: number }): Promise<void>;
  /** Ends it if needed and removes every trace: processes, mounts, cgroup, writable layer, logs. */
  remove(key: ZmachineKey): Promise<void>;
  list(): Promise<readonly ZmachineStatus[]>;
  /** Runs the health test inside the zmachine's namespaces. Never throws for an unhealthy answer. */
  probe(
    key: ZmachineKey,
    test: NonNullable<ZmachineSpec["healthcheck"]>["test"],
    options: { readonly timeoutMs: number },
  ): Promise<{ readonly healthy: boolean; readonly output: string }>;
  logs(
    key: ZmachineKey,
    options: { readonly tail: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<LogLine>;
  metrics(key: ZmachineKey): Promise<ZmachineMetrics | undefined>;
  /** Hints that something ended (the truth is in `list`). */
  onExit(listener: (key: ZmachineKey) => void): () => void;
  /** Removes cached images that no zmachine uses and that are not in `keepDigests`, oldest first, until at most `maxBytes` remain. */
  collectGarbage(options: { readonly keepDigests: readonly string[]; readonly maxBytes: number }): Promise<void>;
}
