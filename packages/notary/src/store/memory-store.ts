import type { CidText, TwinId } from "@tfgrid/primitives";
import type { DocumentRecord, DocumentStore, SweepMark, Usage } from "./store.ts";

export function memoryStore(): DocumentStore {
  const records = new Map<CidText, DocumentRecord>();
  const contents = new Map<CidText, Uint8Array>();
  let mark: SweepMark | undefined;
  const usage = (author: TwinId): Usage => {
    const own = [...records.values()].filter((record) => record.author === author);
    return { documents: own.length, bytes: own.reduce((total, record) => total + record.sizeBytes, 0) };
  };
  return {
    record: (cid) => records.get(cid),
    bytes: (cid) => contents.get(cid),
    usage,
    list: ({ after, limit }) =>
      [...records.keys()]
        .sort()
        .filter((cid) => after === undefined || cid > after)
        .slice(0, limit),
    count: () => records.size,
    update: async (cid, change) => {
      const next = change(records.get(cid));
      if (next === undefined) return;
      if (next === null) {
        records.delete(cid);
        contents.delete(cid);
        return;
      }
      records.set(cid, next.record);
      if (next.bytes !== undefined) contents.set(cid, next.bytes.slice());
    },
    mark: () => mark,
    setMark: async (next) => {
      mark = next;
    },
    close: async () => undefined,
  };
}
