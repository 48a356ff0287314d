/**
 * State sync: snapshots for those who join, and the way in from somebody else's. cometbft fetches the chunks and gives the hash
 * that a light client verified; what is believed is decided in `state/restore.ts`.
 */
import { create } from "@bufbuild/protobuf";
import { type GridError, type Hex, type Logger, bytesToHex, hexToBytes, isGridError } from "@tfgrid/primitives";
import { type Restore, type Snapshots, type StateStore, type Storage, beginRestore } from "../../state/index.ts";
import type { Head } from "../../types/index.ts";
import type { BlockStore } from "../block-store.ts";
import { readHead, restoredOps } from "./genesis.ts";
import type { RequestValue, ResponseValue } from "./server.ts";
import * as abci from "./wire/index.ts";

type SnapshotRequest = Extract<RequestValue, { case: "listSnapshots" | "offerSnapshot" | "loadSnapshotChunk" }>;

export interface StateSyncOptions {
  readonly storage: Storage;
  readonly state: StateStore;
  readonly blocks: BlockStore;
  readonly snapshots?: Snapshots | undefined;
  readonly chainId: string;
  readonly genesisHash: Hex;
  readonly logger: Logger;
  readonly onRestored: (head: Head) => void;
}

const OFFER = abci.ResponseOfferSnapshot_Result;
const APPLY = abci.ResponseApplySnapshotChunk_Result;

export class StateSync {
  readonly #options: StateSyncOptions;
  readonly #stop = new AbortController();
  #restore: Restore | undefined;
  #finishing: Promise<unknown> = Promise.resolve();

  constructor(options: StateSyncOptions) {
    this.#options = options;
  }

  answer(request: SnapshotRequest): ResponseValue {
    switch (request.case) {
      case "listSnapshots":
        return { case: "listSnapshots", value: create(abci.ResponseListSnapshotsSchema, { snapshots: this.#list() }) };
      case "offerSnapshot":
        return { case: "offerSnapshot", value: create(abci.ResponseOfferSnapshotSchema, { result: this.#offer(request.value) }) };
      case "loadSnapshotChunk": {
        const { height, format, chunk: index } = request.value;
        // Empty: this node does not have it (any more), and the other asks somebody else.
        const chunk = this.#options.snapshots?.chunk({ height: Number(height), format, index }) ?? new Uint8Array();
        return { case: "loadSnapshotChunk", value: create(abci.ResponseLoadSnapshotChunkSchema, { chunk }) };
      }
      default:
        return request satisfies never;
    }
  }

  #list(): abci.Snapshot[] {
    return (this.#options.snapshots?.list() ?? []).map(({ manifest, metadata, hash }) =>
      create(abci.SnapshotSchema, {
        height: BigInt(manifest.height),
        format: manifest.format,
        chunks: manifest.chunkHashes.length,
        hash: hexToBytes(hash),
        metadata,
      }),
    );
  }

  #offer({ snapshot, appHash }: abci.RequestOfferSnapshot): abci.ResponseOfferSnapshot_Result {
    const { storage, chainId, logger } = this.#options;
    if (snapshot === undefined) return OFFER.REJECT;
    const height = Number(snapshot.height);
    this.#giveUp();
    try {
      const offered = { height, format: snapshot.format, chunks: snapshot.chunks, hash: bytesToHex(snapshot.hash), metadata: snapshot.metadata };
      this.#restore = beginRestore({ storage, offered, trusted: { chainId, height, appHash: bytesToHex(appHash) } });
      logger.info("a snapshot is being restored", { height, chunks: snapshot.chunks });
      return OFFER.ACCEPT;
    } catch (error) {
      const refused = expected(error);
      logger.warn("a snapshot that was offered is refused", { height, error: refused });
      return offerResult(refused);
    }
  }

  /** With the last chunk the state is put together, which takes its time: others run meanwhile. */
  apply(request: abci.RequestApplySnapshotChunk): Promise<abci.ResponseApplySnapshotChunk> {
    const applied = this.#apply(request);
    // Whoever asked handles what goes wrong; here only the end counts.
    this.#finishing = applied.catch(() => undefined);
    return applied;
  }

  async #apply({ index, chunk, sender }: abci.RequestApplySnapshotChunk): Promise<abci.ResponseApplySnapshotChunk> {
    const { logger } = this.#options;
    const restore = this.#restore;
    if (restore === undefined) return create(abci.ResponseApplySnapshotChunkSchema, { result: APPLY.ABORT });
    try {
      await restore.apply(index, chunk, this.#stop.signal);
      if (restore.next === restore.manifest.chunkHashes.length) await this.#finish(restore);
      return create(abci.ResponseApplySnapshotChunkSchema, { result: APPLY.ACCEPT });
    } catch (error) {
      if (this.#stop.signal.aborted) return create(abci.ResponseApplySnapshotChunkSchema, { result: APPLY.ABORT });
      const refused = expected(error);
      logger.warn("a chunk of a snapshot is refused", { index, sender, error: refused });
      // Another snapshot was offered meanwhile.
      if (refused.code === "snapshot.abandoned") return create(abci.ResponseApplySnapshotChunkSchema, { result: APPLY.ABORT });
      // Chunks as described, and yet wrong: whoever made the snapshot lies, and no other copy is better.
      if (refused.code === "snapshot.wrong_root" || refused.code === "snapshot.chunk_invalid") {
        this.#giveUp();
        return create(abci.ResponseApplySnapshotChunkSchema, { result: APPLY.REJECT_SNAPSHOT });
      }
      // Nothing of it was kept: somebody else's copy may be the right one.
      const rejectSenders = sender === "" ? [] : [sender];
      return create(abci.ResponseApplySnapshotChunkSchema, { result: APPLY.RETRY, refetchChunks: [restore.next], rejectSenders });
    }
  }

  async #finish(restore: Restore): Promise<void> {
    const { storage, state, chainId, genesisHash, blocks, logger, onRestored } = this.#options;
    const { height, appHash } = restore.manifest;
    await restore.finish({ ops: restoredOps({ chainId, genesisHash, blocks, height, appHash }), signal: this.#stop.signal });
    this.#restore = undefined;
    state.reload();
    logger.info("a snapshot is restored", { height, appHash });
    onRestored(readHead({ storage, genesisHash }) as Head);
  }

  /** Ends a restore that is being finished; what is written of it goes at the next opening. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#finishing;
  }

  #giveUp(): void {
    this.#restore?.abandon();
    this.#restore = undefined;
  }
}

/** What a stranger can cause has a code; anything else (a disk, a bug) must end the program. */
function expected(error: unknown): GridError {
  if (isGridError(error) && error.code.startsWith("snapshot.")) return error;
  throw error;
}

function offerResult({ code }: GridError): abci.ResponseOfferSnapshot_Result {
  if (code === "snapshot.format_unknown") return OFFER.REJECT_FORMAT;
  if (code === "snapshot.bad_manifest") return OFFER.REJECT_SENDER;
  // Only an empty node may restore: no other snapshot would change that.
  if (code === "snapshot.not_empty") return OFFER.ABORT;
  return OFFER.REJECT;
}
