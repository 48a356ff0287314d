import { statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";

export interface Capacity {
  readonly cores: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface CapacityOptions {
  /** The disk on which this folder lies is what the node offers. */
  readonly dataDir: string;
  /** Upper bounds, so that several 3Nodes can share one machine. */
  readonly caps?: Partial<Capacity>;
}

/** What this machine has, at most the caps: whole cores, bytes of memory, bytes of the data folder's disk. */
export async function detectCapacity(options: CapacityOptions): Promise<Capacity> {
  const disk = await statfs(options.dataDir);
  const { caps = {} } = options;
  return {
    cores: Math.min(availableParallelism(), caps.cores ?? Infinity),
    memoryBytes: Math.min(totalmem(), caps.memoryBytes ?? Infinity),
    diskBytes: Math.min(disk.blocks * disk.bsize, caps.diskBytes ?? Infinity),
  };
}
