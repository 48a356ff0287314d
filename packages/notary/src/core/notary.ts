/** What the notary does, without HTTP: documents in, signatures added, documents out to those who may read them. */
import { type AccountId, type CidText, cidOf, type Clock, decode, type Hex, isGridError, type Schema, type TwinId } from "@tfgrid/primitives";
import type { Anchor, Twin } from "@tfgrid/tfchain";
import type { StoredDocument } from "../client.ts";
import { notaryErrors } from "../errors.ts";
import { NOTARY_LIMITS as L } from "../limits.ts";
import type { Change, DocumentRecord, DocumentStore } from "../store/store.ts";
import { type Hint, signatureFits } from "../wire.ts";
import { mayRead } from "./access.ts";
import type { Ledger } from "./ledger.ts";

export interface Put {
  readonly twin: Twin;
  readonly cid: CidText;
  readonly bytes: Uint8Array;
  readonly readers: readonly TwinId[];
  readonly signature: Hex;
}

export interface NotaryCore {
  put(options: Put): Promise<void>;
  sign(options: { readonly twin: Twin; readonly cid: CidText; readonly signature: Hex; readonly hint: Hint }): Promise<void>;
  get(options: { readonly twin: Twin; readonly cid: CidText; readonly hint: Hint }): Promise<StoredDocument>;
  /** Public: shows nothing of the content. */
  proof(cid: CidText): Promise<Anchor | undefined>;
}

const KINDS = ["solution/v1", "instruction/v1"];
/** Any canonical value; the kind is all that the notary wants to know of it. */
const anything: Schema<unknown> = {
  fromCbor: (value) => value,
  toCbor: (value) => value,
  fromJson: (value) => value,
  toJson: () => null,
  jsonSchema: () => ({}),
};

export function notaryCore(options: { readonly store: DocumentStore; readonly ledger: Ledger; readonly clock: Clock }): NotaryCore {
  const { store, ledger, clock } = options;
  const readable = async (twin: Twin, cid: CidText, hint: Hint): Promise<{ record: DocumentRecord; bytes: Uint8Array }> => {
    const [record, bytes] = [store.record(cid), store.bytes(cid)];
    if (record === undefined || bytes === undefined) throw notaryErrors.fail("notary.not_found", { details: { cid } });
    // Bytes that changed on disk name nobody and are given to nobody.
    if (cidOf(bytes) !== cid) throw notaryErrors.fail("notary.altered", { details: { cid } });
    const allowed = await onChain(() => ledger.ask(async (chain) => ((await mayRead({ chain, cid, record, bytes, twinId: twin.id, hint })) ? true : undefined)));
    if (allowed === undefined) throw notaryErrors.fail("notary.forbidden", { details: { cid, twinId: twin.id } });
    return { record, bytes };
  };
  return {
    put: async (put) => {
      checkSignature(put.twin.account, put.cid, put.signature);
      const kind = kindOf(put.bytes);
      if (cidOf(put.bytes) !== put.cid) throw notaryErrors.fail("notary.wrong_cid", { details: { cid: put.cid } });
      await store.update(put.cid, (current) => (current === undefined ? created({ put, kind, store, nowMs: clock.nowMs() }) : stored(current, put)));
    },
    sign: async ({ twin, cid, signature, hint }) => {
      checkSignature(twin.account, cid, signature);
      await readable(twin, cid, hint);
      await store.update(cid, (current) => {
        if (current === undefined) throw notaryErrors.fail("notary.not_found", { details: { cid } });
        return { record: withSignature(current, twin, signature) };
      });
    },
    get: async ({ twin, cid, hint }) => {
      const { record, bytes } = await readable(twin, cid, hint);
      const signatures = record.signatures.map((entry) => ({ twinId: entry.twinId, signature: entry.signature }));
      return { cid, bytes, author: record.author, signatures };
    },
    proof: (cid) => onChain(() => ledger.ask((chain) => chain.anchor(cid))),
  };
}

/** @throws GridError notary.chain_unavailable instead of whatever the chain's client throws */
export async function onChain<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (isGridError(cause) && cause.code.startsWith("notary.")) throw cause;
    throw notaryErrors.fail("notary.chain_unavailable", { cause });
  }
}

function checkSignature(account: AccountId, cid: CidText, signature: Hex): void {
  if (!signatureFits({ account, cid, signature })) throw notaryErrors.fail("notary.bad_signature", { details: { cid } });
}

function kindOf(bytes: Uint8Array): string {
  if (bytes.length > L.documentBytes) {
    throw notaryErrors.fail("notary.too_large", { details: { sizeBytes: bytes.length, maxBytes: L.documentBytes } });
  }
  let value: unknown;
  try {
    value = decode(anything, bytes, { maxBytes: L.documentBytes });
  } catch (cause) {
    // Also a RangeError: a megabyte of nested lists would overflow the stack.
    throw notaryErrors.fail("notary.not_canonical", { cause });
  }
  const kind: unknown = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
  if (typeof kind !== "string" || !KINDS.includes(kind)) {
    throw notaryErrors.fail("notary.not_canonical", { message: `A document's kind is one of ${KINDS.join(", ")}.` });
  }
  return kind;
}

interface Creation {
  readonly put: Put;
  readonly kind: string;
  readonly store: DocumentStore;
  readonly nowMs: number;
}

function created({ put, kind, store, nowMs }: Creation): Change {
  const usage = store.usage(put.twin.id);
  if (usage.documents >= L.documentsPerTwin || usage.bytes + put.bytes.length > L.bytesPerTwin) {
    throw notaryErrors.fail("notary.quota_exceeded", { details: { documents: usage.documents, bytes: usage.bytes } });
  }
  const record: DocumentRecord = {
    author: put.twin.id,
    readers: [...new Set(put.readers)],
    signatures: [{ twinId: put.twin.id, account: put.twin.account, signature: put.signature }],
    sizeBytes: put.bytes.length,
    kind,
    storedAtMs: nowMs,
    unnamedSinceMs: null,
  };
  return { record, bytes: put.bytes };
}

/**
 * The same bytes again: who sends them has them, so may sign and read; a new use ends the wait for deletion. The bytes
 * are written again too, which heals what has changed on disk.
 */
function stored(current: DocumentRecord, put: Put): Change {
  const readers = [...new Set([...current.readers, put.twin.id, ...(put.twin.id === current.author ? put.readers : [])])];
  if (readers.length > L.readersPerDocument) {
    throw notaryErrors.fail("notary.quota_exceeded", { message: `A document has at most ${L.readersPerDocument} readers.` });
  }
  return { record: { ...withSignature(current, put.twin, put.signature), readers, unnamedSinceMs: null }, bytes: put.bytes };
}

function withSignature(record: DocumentRecord, twin: Twin, signature: Hex): DocumentRecord {
  const others = record.signatures.filter((entry) => entry.twinId !== twin.id);
  if (others.length >= L.signaturesPerDocument) {
    throw notaryErrors.fail("notary.quota_exceeded", { message: `A document has at most ${L.signaturesPerDocument} signatures.` });
  }
  return { ...record, signatures: [...others, { twinId: twin.id, account: twin.account, signature }] };
}
