/**
 * The ledger as an ABCI 2.0 application: the runtime and its state, driven block by block by whoever orders them. Nothing here
 * waits, except for signatures, which are checked before a step begins. FinalizeBlock keeps a draft, Commit writes it with
 * the block in one storage transaction: a crash anywhere leaves a committed height, and the blocks after it are given again.
 */
import { type GridError, type Hex, type Logger, bytesToHex, hexToBytes, isGridError, sha256 } from "@tfgrid/primitives";
import { create as message } from "@bufbuild/protobuf";
import { COMET_LIMITS } from "../../limits.ts";
import type { SignedHeader } from "../../light/index.ts";
import type { BlockContext, DecodedTx, Runtime } from "../../runtime/api.ts";
import { type RowReader, rowsOf, rowsOver } from "../../runtime/store/rows.ts";
import { readBlockTimeMs } from "../../runtime/nodes/pulse.ts";
import { validatorUpdates } from "../../runtime/validators/change.ts";
import { type SealedDraft, type Snapshots, type StateStore, type Storage, type WriteOp, openState } from "../../state/index.ts";
import type { Head, Validator } from "../../types/index.ts";
import type { BlockStore } from "../block-store.ts";
import type { CommittedBlock, TxResult } from "../engine.ts";
import { Admission } from "./admission.ts";
import { cometErrors } from "./errors.ts";
import { appStateHash, emptyHead, readHead, requireAbci, storeHead, writeGenesis } from "./genesis.ts";
import { StateSync } from "./state-sync.ts";
import { type KnownTxs, type Verdict, verdictsOf } from "./known-txs.ts";
import { misbehaviourOf, pickTxs, timeMsOf, updatesOf, withinBounds } from "./proposals.ts";
import { answerQuery } from "./query.ts";
import { ABCI_OK, ABCI_REFUSED, eventsJsonOf, execResult, resultsOf } from "./results.ts";
import type { AbciHandler, RequestValue, ResponseValue, Step } from "./server.ts";
import * as abci from "./wire/index.ts";

/** Of this ledger as an application: a block header carries it, so changing it is a fork. */
const APP_VERSION = 1n;
const FLUSHED: ResponseValue = { case: "flush", value: message(abci.ResponseFlushSchema) };

export interface ApplicationOptions {
  readonly storage: Storage;
  /** Default: opened here. */
  readonly state?: StateStore | undefined;
  readonly runtime: Runtime;
  readonly blocks: BlockStore;
  readonly known: KnownTxs;
  readonly chainId: string;
  /** What the runtime's `initGenesis` understands, and its hash. */
  readonly genesis: unknown;
  readonly genesisHash: Hex;
  readonly start: { readonly height: number; readonly timeMs: number };
  readonly retainedBlocks: number;
  /** Without it none are offered to those who join. */
  readonly snapshots?: Snapshots | undefined;
  /** A snapshot is taken every so many blocks. */
  readonly snapshotBlocks?: number | undefined;
  readonly logger: Logger;
}

export interface AppEvents {
  /** After each commit, in order. */
  onCommit(block: CommittedBlock, results: readonly TxResult[]): void;
  /** The mempool refused it, now or at a recheck. */
  onRefused(hash: Hex, error: GridError): void;
  /** Written by the next commit: headers whose signatures have become known. */
  takeHeaders(): readonly SignedHeader[];
}

/** A block that is carried out but not committed. */
interface Finalized {
  readonly head: Head;
  readonly sealed: SealedDraft;
  readonly ops: readonly WriteOp[];
  readonly results: readonly TxResult[];
  readonly eventsJson: string | undefined;
}

export class Application implements AbciHandler {
  readonly state: StateStore;
  readonly #options: ApplicationOptions;
  readonly #admission: Admission;
  readonly #stateSync: StateSync;
  readonly #ready = Promise.withResolvers<void>();
  #events: AppEvents | undefined;
  #head: Head;
  #maxTxBytes = 0;
  #finalized: Finalized | undefined;
  /** The committed state, its rows decoded once: what the mempool asks again and again. */
  #rows: RowReader;

  /** @throws GridError chain.genesis_mismatch, chain.upgrade_needed */
  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#admission = new Admission(options.runtime);
    this.state = options.state ?? openState(options.storage);
    this.#stateSync = new StateSync({ ...options, state: this.state, onRestored: (head) => this.#adopt(head) });
    this.#rows = rowsOf(this.state);
    const kept = readHead(options);
    this.#head = kept ?? emptyHead(options);
    if (kept !== undefined) this.#adopt(kept);
  }

  /** There is a state: from an earlier run, from the genesis, or from a snapshot. Nothing can be read before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get head(): Head {
    return this.#head;
  }

  #adopt(head: Head): void {
    this.#options.runtime.requireSupported(this.state, head.height + 1);
    // A snapshot's own description names no time; the state knows it.
    this.#head = { ...head, timeMs: Math.max(head.timeMs, readBlockTimeMs(this.state)) };
    this.#rows = rowsOf(this.state);
    this.#maxTxBytes = this.#readMaxTxBytes();
    this.#ready.resolve();
  }

  get #hasState(): boolean {
    return this.#maxTxBytes > 0;
  }

  get #atGenesis(): boolean {
    return this.#head.height === this.#options.start.height;
  }

  get maxTxBytes(): number {
    return this.#maxTxBytes;
  }

  listen(events: AppEvents): void {
    this.#events = events;
  }

  begin(request: RequestValue): Step | Promise<Step> {
    const { known } = this.#options;
    switch (request.case) {
      case "checkTx":
        return after(known.verdict(request.value.tx), (verdict) => this.#checkTx(request.value, verdict));
      case "prepareProposal":
        return after(verdictsOf(known, request.value.txs), (verdicts) => this.#prepareProposal(request.value, verdicts));
      case "processProposal":
        return after(verdictsOf(known, request.value.txs), (verdicts) => this.#processProposal(request.value, verdicts));
      case "finalizeBlock":
        return after(verdictsOf(known, request.value.txs), (verdicts) => this.#finalizeBlock(request.value, verdicts));
      case "echo":
        return () => ({ case: "echo", value: message(abci.ResponseEchoSchema, { message: request.value.message }) });
      case "flush":
        return () => FLUSHED;
      case "info":
        return () => this.#info(request.value);
      case "initChain":
        return () => this.#initChain(request.value);
      case "commit":
        return () => this.#commit();
      case "query":
        return () => ({ case: "query", value: answerQuery(this.state, this.#head, request.value) });
      case "extendVote":
      case "verifyVoteExtension":
        return () => answerExtension(request);
      case "listSnapshots":
      case "offerSnapshot":
      case "loadSnapshotChunk":
        return () => this.#stateSync.answer(request);
      case "applySnapshotChunk":
        return this.#applyChunk(request.value);
      default:
        return request satisfies never;
    }
  }

  /** cometbft waits for each answer before it asks for more, so the work may begin before its turn. */
  async #applyChunk(request: abci.RequestApplySnapshotChunk): Promise<Step> {
    const value = await this.#stateSync.apply(request);
    return () => ({ case: "applySnapshotChunk", value });
  }

  /** Nothing is written by itself afterwards. */
  stop(): Promise<void> {
    return this.#stateSync.stop();
  }

  #info({ abciVersion }: abci.RequestInfo): ResponseValue {
    requireAbci(abciVersion);
    const fields = { data: "tfchain", version: "1", appVersion: APP_VERSION };
    // cometbft asks for InitChain when no block is committed, and takes the hash from its answer.
    if (this.#atGenesis) return { case: "info", value: message(abci.ResponseInfoSchema, fields) };
    const last = { lastBlockHeight: BigInt(this.#head.height), lastBlockAppHash: hexToBytes(this.#head.appHash) };
    return { case: "info", value: message(abci.ResponseInfoSchema, { ...fields, ...last }) };
  }

  /** Compares cometbft's genesis with ours, and makes the first state. Asked again when a crash came before the first block: the answer is the same. */
  #initChain(request: abci.RequestInitChain): ResponseValue {
    const { chainId, genesisHash } = this.#options;
    const told = appStateHash(request.appStateBytes);
    const fits = request.chainId === chainId && told === genesisHash;
    if (!fits || !this.#atGenesis || request.initialHeight !== BigInt(this.#head.height + 1)) {
      throw cometErrors.fail("cometbft.bad_home", {
        message: `cometbft's genesis is of chain ${request.chainId} with state ${told || "unknown"} from height ${request.initialHeight}; this ledger is ${chainId} with state ${genesisHash} at height ${this.#head.height}.`,
        details: { chainId: request.chainId, genesisHash: told, ledgerChainId: chainId, ledgerGenesisHash: genesisHash },
      });
    }
    if (!this.#hasState) this.#adopt(writeGenesis(this.#options, this.state));
    const validators = updatesOf(validatorUpdates([], this.#validators()));
    return { case: "initChain", value: message(abci.ResponseInitChainSchema, { appHash: hexToBytes(this.#head.appHash), validators }) };
  }

  #checkTx(request: abci.RequestCheckTx, verdict: Verdict): ResponseValue {
    const error = this.#refusalOf(request.tx, verdict);
    if (error === undefined) return { case: "checkTx", value: message(abci.ResponseCheckTxSchema, { code: ABCI_OK }) };
    this.#events?.onRefused(bytesToHex(sha256(request.tx)), error);
    const fields = { code: ABCI_REFUSED, codespace: error.code, log: error.message };
    return { case: "checkTx", value: message(abci.ResponseCheckTxSchema, fields) };
  }

  #refusalOf(bytes: Uint8Array, verdict: Verdict): GridError | undefined {
    if (!verdict.ok) return verdict.error;
    if (!this.#hasState) return cometErrors.fail("chain.catching_up");
    try {
      // The same words as the decoder's own bound.
      if (bytes.length > this.#maxTxBytes) this.#options.runtime.decodeTx(bytes, this.#maxTxBytes);
      this.#admission.admit(this.#rows, this.#nextContext(), verdict.decoded);
      return undefined;
    } catch (error) {
      if (isGridError(error)) return error;
      throw error;
    }
  }

  #nextContext(): BlockContext {
    const { chainId, height, timeMs } = this.#head;
    return { chainId, height: height + 1, timeMs };
  }

  /** May differ from node to node: what is proposed here is judged by all of them in ProcessProposal. */
  #prepareProposal(request: abci.RequestPrepareProposal, verdicts: readonly Verdict[]): ResponseValue {
    const admission = new Admission(this.#options.runtime);
    const context = { ...this.#nextContext(), timeMs: timeMsOf(request.time, this.#head.timeMs) };
    const fits = (decoded: DecodedTx): boolean => {
      try {
        admission.admit(this.#rows, context, decoded);
        return true;
      } catch (error) {
        if (isGridError(error)) return false;
        throw error;
      }
    };
    const txs = pickTxs({ txs: request.txs, verdicts, maxBytes: Number(request.maxTxBytes), maxTxBytes: this.#maxTxBytes, fits });
    return { case: "prepareProposal", value: message(abci.ResponsePrepareProposalSchema, { txs }) };
  }

  /** By the block and the state before it alone: all honest validators answer the same. */
  #processProposal(request: abci.RequestProcessProposal, verdicts: readonly Verdict[]): ResponseValue {
    const acceptable = withinBounds(request.txs, this.#maxTxBytes) && verdicts.every(({ ok }) => ok);
    if (!acceptable) this.#options.logger.warn("a proposed block was refused", { height: Number(request.height), proposer: bytesToHex(request.proposerAddress) });
    const { ACCEPT, REJECT } = abci.ResponseProcessProposal_ProposalStatus;
    return { case: "processProposal", value: message(abci.ResponseProcessProposalSchema, { status: acceptable ? ACCEPT : REJECT }) };
  }

  #finalizeBlock(request: abci.RequestFinalizeBlock, verdicts: readonly Verdict[]): ResponseValue {
    const { runtime, chainId, blocks } = this.#options;
    const height = Number(request.height);
    if (height !== this.#head.height + 1) {
      throw cometErrors.fail("cometbft.wrong_block", { message: `Block ${height} cannot follow on height ${this.#head.height}.`, details: { height, head: this.#head.height } });
    }
    runtime.requireSupported(this.state, height);
    const context: BlockContext = { chainId, height, timeMs: timeMsOf(request.time, this.#head.timeMs), ...misbehaviourOf(request.misbehavior) };
    const before = this.#validators();
    const draft = this.state.draft();
    const rows = rowsOver(draft);
    const events = runtime.beginBlock(rows, context);
    const outcomes = verdicts.map((verdict, index) => {
      const fits = verdict.ok && (request.txs[index] as Uint8Array).length <= this.#maxTxBytes;
      return fits ? runtime.deliverTx(rows, context, verdict.decoded) : undefined;
    });
    const after = runtime.queries(rows).validatorSet().validators;
    const sealed = draft.seal(height);
    const results = resultsOf(verdicts, outcomes, context);
    const eventsJson = eventsJsonOf([...events, ...outcomes.flatMap((outcome) => outcome?.events ?? [])], context);
    const head: Head = { chainId, height: height as Head["height"], timeMs: context.timeMs, appHash: sealed.root, blockHash: bytesToHex(request.hash) };
    const record = { signed: undefined, height, txs: request.txs, results, eventsJson };
    this.#finalized = { head, sealed, ops: [...blocks.ops(record), storeHead(head)], results, eventsJson };
    const fields = { txResults: outcomes.map(execResult), validatorUpdates: updatesOf(validatorUpdates(before, after)), appHash: hexToBytes(sealed.root) };
    return { case: "finalizeBlock", value: message(abci.ResponseFinalizeBlockSchema, fields) };
  }

  #commit(): ResponseValue {
    const finalized = this.#finalized;
    if (finalized === undefined) throw cometErrors.fail("cometbft.wrong_block", { message: "Commit came without a block." });
    const { storage, blocks } = this.#options;
    const headers = (this.#events?.takeHeaders() ?? []).flatMap((signed) => blocks.headerOps(signed));
    storage.write([...finalized.sealed.ops, ...finalized.ops, ...headers]);
    finalized.sealed.adopt();
    this.#finalized = undefined;
    this.#head = finalized.head;
    this.#rows = rowsOf(this.state);
    this.#maxTxBytes = this.#readMaxTxBytes();
    this.#admission.reset();
    this.#takeSnapshot();
    this.#events?.onCommit({ head: finalized.head, eventsJson: finalized.eventsJson }, finalized.results);
    return { case: "commit", value: message(abci.ResponseCommitSchema, { retainHeight: this.#retainHeight() }) };
  }

  /** In slices between other work; it reads the state as it is now. */
  #takeSnapshot(): void {
    const { snapshots, snapshotBlocks = COMET_LIMITS.snapshotBlocks } = this.#options;
    if (this.#head.height % snapshotBlocks === 0) void snapshots?.take();
  }

  /** cometbft may forget what is older; a node that is offered a snapshot needs the blocks after it. */
  #retainHeight(): bigint {
    const { retainedBlocks, snapshots } = this.#options;
    const oldestSnapshot = snapshots?.list().at(-1)?.manifest.height ?? this.#head.height;
    return BigInt(Math.max(0, Math.min(this.#head.height - retainedBlocks + 1, oldestSnapshot)));
  }

  #validators(): readonly Validator[] {
    return this.#options.runtime.queries(this.#rows).validatorSet().validators;
  }

  #readMaxTxBytes(): number {
    return Math.min(COMET_LIMITS.txBytes, this.#options.runtime.queries(this.#rows).params().maxTxBytes);
  }
}

/** At once when there is nothing to wait for: most requests are answered in the turn that they arrive in. */
function after<T>(value: T | Promise<T>, step: (value: T) => ResponseValue): Step | Promise<Step> {
  return value instanceof Promise ? value.then((settled) => () => step(settled)) : () => step(value);
}

/** Never enabled (`vote_extensions_enable_height` is 0); the specification lets every application say nothing, and believe only that. */
function answerExtension(request: Extract<RequestValue, { case: "extendVote" | "verifyVoteExtension" }>): ResponseValue {
  if (request.case === "extendVote") return { case: "extendVote", value: message(abci.ResponseExtendVoteSchema) };
  const { ACCEPT, REJECT } = abci.ResponseVerifyVoteExtension_VerifyStatus;
  const status = request.value.voteExtension.length === 0 ? ACCEPT : REJECT;
  return { case: "verifyVoteExtension", value: message(abci.ResponseVerifyVoteExtensionSchema, { status }) };
}
