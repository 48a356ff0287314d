/** Volumes in memory, with a disk that can be full. Same compliance suite as the Linux driver. */
import type { StorageDriver, VolumeId } from "../../ports.ts";
import { fail } from "../storage/errors.ts";

export interface SimulatedStorageOptions {
  /** Sum of all volumes. Default: without bound. */
  readonly maxBytes?: number;
}

export interface SimulatedStorage extends StorageDriver {
  readonly faults: { diskFull: boolean };
  /** Sets how much of a volume is used. */
  use(id: VolumeId, usedBytes: number): void;
}

type Row = Awaited<ReturnType<StorageDriver["listVolumes"]>>[number];

export function simulatedStorage(options: SimulatedStorageOptions = {}): SimulatedStorage {
  const maxBytes = options.maxBytes ?? Number.MAX_SAFE_INTEGER;
  const volumes = new Map<string, Row>();
  const faults = { diskFull: false };
  const keyOf = (id: VolumeId): string => {
    if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(id.name)) throw fail("storage.invalid_name", { details: { name: id.name } });
    return `c${id.contractId}-${id.name}`;
  };
  return {
    faults,
    ensureVolume: async ({ contractId, name, sizeBytes }) => {
      const key = keyOf({ contractId, name });
      const present = volumes.get(key);
      if (present !== undefined && sizeBytes < present.sizeBytes) throw fail("storage.cannot_shrink", { details: { volume: name } });
      const others = [...volumes.values()].reduce((sum, row) => sum + row.sizeBytes, 0) - (present?.sizeBytes ?? 0);
      const grows = sizeBytes > (present?.sizeBytes ?? 0);
      if (grows && (faults.diskFull || others + sizeBytes > maxBytes))
        throw fail("storage.disk_full", { details: { wantedBytes: sizeBytes } });
      const path = `/simulated/${key}`;
      volumes.set(key, { contractId, name, sizeBytes, usedBytes: present?.usedBytes ?? 0, path });
      return { path };
    },
    removeVolume: async (id) => {
      volumes.delete(keyOf(id));
    },
    listVolumes: async () => [...volumes.values()],
    use: (id, usedBytes) => {
      const row = volumes.get(keyOf(id));
      if (row === undefined || usedBytes > row.sizeBytes) throw new Error(`cannot use ${usedBytes} bytes of ${id.name}`);
      volumes.set(keyOf(id), { ...row, usedBytes });
    },
  };
}
