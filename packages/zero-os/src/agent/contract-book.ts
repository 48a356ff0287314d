/**
 * Which contracts this node serves: the ledger's word, each one proven, with the instruction that was verified for it.
 * What was read stays until something newer was read; not being able to read changes nothing.
 */
import { type ContractId, GridError, hasCode, type NodeId, type SolutionId, type TwinId } from "@tfgrid/primitives";
import type { NodeContract } from "@tfgrid/tfchain";
import { nodeErrors } from "../errors.ts";
import { NODE_LIMITS } from "../limits.ts";
import { backoffMs, faultFrom } from "../provisioning/fault.ts";
import { verifyInstruction } from "../provisioning/instruction.ts";
import type { Fault } from "../provisioning/model.ts";
import type { ContractStore, HeldContract } from "./contract-store.ts";
import type { World } from "./ports.ts";
import { Wake } from "./wake.ts";

export interface BookEntry {
  readonly contractId: ContractId;
  /** As last proven; absent after a restart until the ledger answers. */
  readonly contract?: NodeContract;
  /** The last good instruction. */
  readonly held?: HeldContract;
  /** Why a newer version is not applied. */
  readonly fault?: Fault;
}

export interface ContractBookOptions {
  readonly world: World;
  readonly nodeId: NodeId;
  readonly twinId: TwinId;
  readonly store: ContractStore;
  readonly onChange: (contractId: ContractId | undefined) => void;
}

interface Attempt {
  count: number;
  retryAtMs: number;
}

export class ContractBook {
  readonly #options: ContractBookOptions;
  readonly #entries = new Map<ContractId, BookEntry>();
  readonly #ended = new Set<ContractId>();
  readonly #dirty = new Set<ContractId>();
  readonly #inFlight = new Set<ContractId>();
  readonly #attempts = new Map<ContractId, Attempt>();
  readonly #wake = new Wake();
  /** Of the first list: until each was read, what the machine should hold is not known in full. */
  #unread: Set<ContractId> | undefined;
  #listDueMs = 0;
  #listFailures = 0;

  constructor(options: ContractBookOptions) {
    this.#options = options;
  }

  get entries(): ReadonlyMap<ContractId, BookEntry> {
    return this.#entries;
  }

  get ended(): ReadonlySet<ContractId> {
    return this.#ended;
  }

  get complete(): boolean {
    return this.#unread?.size === 0;
  }

  /** The last known good state, before the ledger was asked for anything. */
  async load(): Promise<void> {
    for (const held of await this.#options.store.load()) this.#entries.set(held.contractId, { contractId: held.contractId, held });
    this.#options.onChange(undefined);
  }

  /** Something was said about this contract. */
  hint(contractId: ContractId): void {
    this.#dirty.add(contractId);
    this.#attempts.delete(contractId);
    this.#wake.ring();
  }

  /** Something of this contract was found on the machine: is it wanted? */
  ask(contractId: ContractId): void {
    const isKnown = this.#ended.has(contractId) || this.#entries.get(contractId)?.contract !== undefined;
    if (isKnown || this.#inFlight.has(contractId) || this.#attempts.has(contractId) || this.#dirty.has(contractId)) return;
    this.#dirty.add(contractId);
    this.#wake.ring();
  }

  /** Events may have been missed: read the list again. */
  hintAll(): void {
    this.#listDueMs = 0;
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options.world;
    while (!signal.aborted) {
      if (clock.nowMs() >= this.#listDueMs) await this.#list();
      const retries = this.#startDue(signal);
      await this.#wake.wait({ clock, untilMs: Math.min(this.#listDueMs, retries), signal });
    }
  }

  async #list(): Promise<void> {
    const { world, nodeId } = this.#options;
    const { chain, clock, entropy, logger } = world;
    this.#listDueMs = clock.nowMs() + NODE_LIMITS.syncIntervalMs;
    try {
      const ids = new Set<ContractId>(this.#entries.keys());
      let after = 0;
      for (;;) {
        const page = await chain.contracts({ nodeId, active: true, after, limit: NODE_LIMITS.pageRows });
        for (const contract of page) if (contract.type === "node") ids.add(contract.id);
        if (page.length < NODE_LIMITS.pageRows) break;
        after = page.at(-1)?.id ?? after;
      }
      for (const id of ids) this.#dirty.add(id);
      this.#listFailures = 0;
      if (this.#unread === undefined) {
        this.#unread = new Set(ids);
        this.#markRead(undefined);
      }
    } catch (error) {
      this.#listFailures += 1;
      const delayMs = Math.min(backoffMs(this.#listFailures, entropy), NODE_LIMITS.syncIntervalMs);
      this.#listDueMs = clock.nowMs() + delayMs;
      logger.warn("the ledger's list of contracts cannot be read", { retryInMs: delayMs, error });
    }
  }

  #markRead(contractId: ContractId | undefined): void {
    if (contractId !== undefined && this.#unread?.delete(contractId) !== true) return;
    if (this.#unread?.size === 0) this.#options.onChange(undefined);
  }

  /** Side by side: a notary that hangs for one contract holds up no other. Answers when the next retry is due. */
  #startDue(signal: AbortSignal): number {
    const nowMs = this.#options.world.clock.nowMs();
    for (const [id, { retryAtMs }] of this.#attempts) if (retryAtMs <= nowMs) this.#dirty.add(id);
    for (const id of this.#dirty) {
      if (this.#inFlight.has(id)) continue;
      const waiting = this.#attempts.get(id);
      this.#dirty.delete(id);
      if (waiting !== undefined && waiting.retryAtMs > nowMs) continue;
      this.#inFlight.add(id);
      void this.#sync(id, signal).finally(() => {
        this.#inFlight.delete(id);
        this.#wake.ring();
      });
    }
    const waiting = [...this.#attempts].filter(([id]) => !this.#inFlight.has(id)).map(([, { retryAtMs }]) => retryAtMs);
    return Math.min(Number.MAX_SAFE_INTEGER, ...waiting);
  }

  async #sync(contractId: ContractId, signal: AbortSignal): Promise<void> {
    const { world, onChange } = this.#options;
    try {
      await this.#read(contractId, signal);
      this.#attempts.delete(contractId);
      this.#markRead(contractId);
    } catch (error) {
      if (signal.aborted) return;
      const count = (this.#attempts.get(contractId)?.count ?? 0) + 1;
      this.#attempts.set(contractId, { count, retryAtMs: world.clock.nowMs() + backoffMs(count, world.entropy) });
      world.logger.warn("contract not applied yet", { contractId, error });
      const entry = this.#entries.get(contractId);
      if (entry?.contract !== undefined) this.#markRead(contractId);
      // Only what is wrong with the contract's own document is the contract's fault; an outage is not reported as one.
      if (entry?.contract !== undefined && error instanceof GridError && error.code.startsWith("node.")) {
        this.#entries.set(contractId, { ...entry, fault: faultFrom(error) });
        onChange(contractId);
      }
    }
  }

  async #read(contractId: ContractId, signal: AbortSignal): Promise<void> {
    const { world, nodeId, store, onChange } = this.#options;
    const { proven } = world.chain;
    // A ledger that is behind what we saw before knows less than we do: it could not know yet that the contract exists.
    const seen = this.#entries.get(contractId)?.held?.seenHeight;
    const contract = await proven.contract(contractId, { atLeast: seen, signal });
    const seenHeight = proven.height();
    const entry = this.#entries.get(contractId) ?? { contractId };
    if (contract === undefined || contract.type !== "node" || contract.nodeId !== nodeId || contract.state === "deleted") {
      await this.#end(contractId);
      return;
    }
    this.#ended.delete(contractId);
    const mode = contract.state === "grace" ? "pause" : "run";
    const { held } = entry;
    if (held !== undefined && held.version === contract.version && held.cid === contract.instruction) {
      if (held.mode !== mode) await store.save({ ...held, mode, seenHeight });
      this.#entries.set(contractId, { contractId, contract, held: { ...held, mode } });
    } else {
      this.#entries.set(contractId, { ...entry, contract });
      const instruction = await this.#fetch(contract, signal);
      const { id, version, instruction: cid } = contract;
      const next: HeldContract = { contractId: id, version, cid, mode, seenHeight, ...instruction };
      await store.save(next);
      this.#entries.set(contractId, { contractId, contract, held: next });
    }
    onChange(contractId);
  }

  async #end(contractId: ContractId): Promise<void> {
    this.#ended.add(contractId);
    this.#entries.delete(contractId);
    // The file goes first: should we end here, the machine's own leftovers ask about the contract again.
    await this.#options.store.remove(contractId);
    this.#options.onChange(contractId);
  }

  async #fetch(contract: NodeContract, signal: AbortSignal): Promise<Pick<HeldContract, "bytes" | "instruction">> {
    const { world, nodeId, twinId } = this.#options;
    if (contract.solutionId === null) throw nodeErrors.fail("node.no_solution", { details: { contractId: contract.id } });
    const get = async (): Promise<Awaited<ReturnType<World["notary"]["get"]>>> => {
      try {
        return await world.notary.get({
          cid: contract.instruction,
          signer: world.identity.keys,
          twinId,
          contractId: contract.id,
          solutionId: contract.solutionId as SolutionId,
          signal,
        });
      } catch (cause) {
        const code = hasCode(cause, "notary.altered") ? "node.instruction_altered" : "node.instruction_unavailable";
        const details = { contractId: contract.id, instruction: contract.instruction };
        throw nodeErrors.fail(code, { message: `${nodeErrors.catalogue[code].summary} ${(cause as Error).message}`, details, cause });
      }
    };
    const [solution, document] = await Promise.all([world.chain.proven.solution(contract.solutionId), get()]);
    if (solution === undefined) throw nodeErrors.fail("node.no_solution", { details: { contractId: contract.id } });
    const author = await world.chain.proven.twin(document.author);
    const check = { contract, solution, document, authorAccount: author?.account, chainId: world.chainId, nodeId };
    return { bytes: document.bytes, instruction: verifyInstruction(check) };
  }
}
