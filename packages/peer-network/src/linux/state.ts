/** The one thing the kernel cannot tell after a reboot: which slot, and thus which UDP port, belongs to which znet. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { s } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import type { ZnetKey } from "../ports.ts";
import type { PortRange } from "./names.ts";

const stateSchema = s.struct({
  znets: s.record(s.struct({ slot: s.uint({ max: 65_535 }), gateway: s.bool }), { max: 65_536, key: s.text({ maxLength: 181 }) }),
});
export interface ZnetSlot {
  readonly slot: number;
  /** Linked with the gateway's namespace. */
  readonly gateway: boolean;
}

export interface SlotStore {
  get(key: ZnetKey): Promise<ZnetSlot | undefined>;
  /** The znet's slot, allocated at the first call: the lowest that is free. @throws GridError network.ports_exhausted */
  allocate(key: ZnetKey): Promise<ZnetSlot>;
  setGateway(key: ZnetKey): Promise<ZnetSlot>;
  release(key: ZnetKey): Promise<void>;
  clear(): Promise<void>;
}

export function slotStore(folder: string, range: PortRange): SlotStore {
  const path = join(folder, "network-slots.json");
  let loading: Promise<Map<ZnetKey, ZnetSlot>> | undefined;
  let writing: Promise<void> = Promise.resolve();
  const slots = (): Promise<Map<ZnetKey, ZnetSlot>> => (loading ??= load(path));
  /** Writes queue up and each writes all: the file is always one whole state. */
  const save = (map: Map<ZnetKey, ZnetSlot>): Promise<void> => {
    writing = writing.then(() => write(folder, path, map));
    return writing;
  };
  /** The slot is taken before anything is awaited: two networks that come up at the same time must never share one. */
  const put = async (map: Map<ZnetKey, ZnetSlot>, key: ZnetKey, slot: ZnetSlot): Promise<ZnetSlot> => {
    map.set(key, slot);
    await save(map);
    return slot;
  };
  return {
    get: async (key) => (await slots()).get(key),
    clear: async () => {
      const map = await slots();
      map.clear();
      await save(map);
    },
    allocate: async (key) => {
      const map = await slots();
      const known = map.get(key);
      if (known !== undefined) return known;
      const taken = new Set([...map.values()].map((entry) => entry.slot));
      const count = range.last - range.first + 1;
      for (let slot = 0; slot < count; slot += 1) if (!taken.has(slot)) return put(map, key, { slot, gateway: false });
      throw fail("network.ports_exhausted", { details: { ports: count } });
    },
    setGateway: async (key) => {
      const map = await slots();
      const known = map.get(key);
      if (known === undefined) throw fail("network.unknown_network", { details: { key } });
      return known.gateway ? known : put(map, key, { ...known, gateway: true });
    },
    release: async (key) => {
      const map = await slots();
      if (map.delete(key)) await save(map);
    },
  };
}

async function load(path: string): Promise<Map<ZnetKey, ZnetSlot>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
  return new Map(Object.entries(stateSchema.fromJson(JSON.parse(text)).znets));
}

async function write(folder: string, path: string, map: ReadonlyMap<ZnetKey, ZnetSlot>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const text = JSON.stringify(stateSchema.toJson({ znets: Object.fromEntries(map) }));
  await writeFile(`${path}.new`, text, { flush: true });
  await rename(`${path}.new`, path);
}
