/** LMDB: atomic commits, each on disk before it is acknowledged. */
import { type CidText, type TwinId } from "@tfgrid/primitives";
import { open } from "lmdb";
import type { DocumentRecord, DocumentStore, SweepMark, Usage } from "./store.ts";

const NOTHING: Usage = { documents: 0, bytes: 0 };

export function lmdbStore(path: string): DocumentStore {
  // Without `overlappingSync` a commit is acknowledged only after fsync.
  const root = open({ path, maxDbs: 8, overlappingSync: false, noSubdir: false });
  const records = root.openDB<DocumentRecord, CidText>({ name: "records", encoding: "msgpack" });
  const contents = root.openDB<Buffer, CidText>({ name: "contents", encoding: "binary" });
  const usages = root.openDB<Usage, number>({ name: "usage", encoding: "msgpack" });
  const marks = root.openDB<SweepMark, string>({ name: "marks", encoding: "msgpack" });
  const count = (author: TwinId, documents: number, bytes: number): void => {
    const now = usages.get(author) ?? NOTHING;
    void usages.put(author, { documents: now.documents + documents, bytes: now.bytes + bytes });
  };
  return {
    record: (cid) => records.get(cid),
    bytes: (cid) => {
      const found = contents.get(cid);
      return found === undefined ? undefined : new Uint8Array(found);
    },
    usage: (author) => usages.get(author) ?? NOTHING,
    list: ({ after, limit }) => {
      const range = after === undefined ? {} : { start: after, exclusiveStart: true };
      return [...records.getKeys({ ...range, limit })];
    },
    count: () => records.getCount(),
    update: async (cid, change) => {
      await root.transaction(() => {
        const current = records.get(cid);
        const next = change(current);
        if (next === undefined) return;
        if (next === null) {
          if (current === undefined) return;
          void records.remove(cid);
          void contents.remove(cid);
          count(current.author, -1, -current.sizeBytes);
          return;
        }
        void records.put(cid, next.record);
        if (next.bytes !== undefined) void contents.put(cid, Buffer.from(next.bytes));
        if (current === undefined) count(next.record.author, 1, next.record.sizeBytes);
      });
    },
    mark: () => marks.get("sweep"),
    setMark: async (mark) => {
      await marks.put("sweep", mark);
    },
    close: async () => root.close(),
  };
}
