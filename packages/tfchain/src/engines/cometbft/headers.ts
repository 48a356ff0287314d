/**
 * Signed headers of this chain, collected from cometbft right after each block: it knows a block's signatures when the block
 * is decided, while the application is never told them. They are written with the next block; after a crash they are asked for again.
 */
import { type Logger, type Hex } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import { type SignedHeader, cometHeaderFromRpc } from "../../light/index.ts";
import type { BlockStore } from "../block-store.ts";
import type { CometRpc } from "./rpc.ts";

export interface HeadersOptions {
  readonly rpc: Pick<CometRpc, "commits" | "validators">;
  readonly blocks: BlockStore;
  readonly logger: Logger;
}

/** Commits asked for in one request while the chain catches up. */
const BATCH = 32;
/** ms before a failed request is made again. */
const RETRY_MS = 250;

export class Headers {
  readonly #options: HeadersOptions;
  /** Known, and not written yet. */
  readonly #fresh = new Map<number, SignedHeader>();
  readonly #waiting = new Set<{ readonly height: number; readonly resolve: () => void }>();
  #validators: { readonly hash: Hex; readonly rows: readonly unknown[] } | undefined;
  #latest: SignedHeader | undefined;
  #next = 0;
  #head = 0;
  #running = false;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: HeadersOptions) {
    this.#options = options;
  }

  /** `head`: the committed height; `first`: of the first block that there can be. */
  begin(head: number, first: number): void {
    const { blocks } = this.#options;
    this.#head = head;
    this.#next = head + 1;
    while (this.#next > first && this.#next > blocks.firstHeight() && !blocks.hasHeader(this.#next - 1)) this.#next -= 1;
    if (this.#next > first && blocks.hasHeader(this.#next - 1)) this.#latest = blocks.header(this.#next - 1);
    this.#fetch();
  }

  /** Of the newest block whose signatures are known; undefined before the first block. */
  get latest(): SignedHeader | undefined {
    return this.#latest;
  }

  at(height: number): SignedHeader | undefined {
    return this.#fresh.get(height);
  }

  /** Oldest first; from then on they are the store's. */
  take(): readonly SignedHeader[] {
    const all = [...this.#fresh.values()];
    this.#fresh.clear();
    return all;
  }

  onBlock(height: number): void {
    this.#head = height;
    this.#fetch();
  }

  /** Fulfilled when the header of this height or a later one is known, or after `waitMs`. */
  async reached(height: number, waitMs: number): Promise<void> {
    if (this.#stopped || (this.#latest?.header.height ?? -1) >= height) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = { height, resolve };
    const timer = setTimeout(resolve, waitMs);
    this.#waiting.add(waiting);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(waiting);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    for (const { resolve } of this.#waiting) resolve();
  }

  #fetch(): void {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    this.#run()
      .catch((error: unknown) => {
        if (this.#stopped) return;
        this.#options.logger.debug("the newest headers are not known yet", { error, next: this.#next });
        this.#retry = setTimeout(() => this.#fetch(), RETRY_MS);
      })
      .finally(() => {
        this.#running = false;
        // A block may have come between the last look and now.
        if (this.#retry === undefined && this.#next <= this.#head) this.#fetch();
      });
    this.#retry = undefined;
  }

  async #run(): Promise<void> {
    while (this.#next <= this.#head && this.#fresh.size < COMET_LIMITS.pendingHeaders) {
      const heights = Array.from({ length: Math.min(BATCH, this.#head - this.#next + 1) }, (_, index) => this.#next + index);
      const commits = await this.#options.rpc.commits(heights);
      for (const [index, commit] of commits.entries()) {
        const height = heights[index] as number;
        // Blocks before a snapshot that this node began with, or that were pruned: cometbft does not have them.
        if (commit !== undefined) this.#keep(height, await this.#signed(height, commit));
        this.#next = height + 1;
      }
    }
  }

  async #signed(height: number, commit: unknown): Promise<SignedHeader> {
    const hash = validatorsHashOf(commit);
    if (this.#validators === undefined || this.#validators.hash !== hash) this.#validators = { hash, rows: await this.#options.rpc.validators(height) };
    return cometHeaderFromRpc({ commit, validators: this.#validators.rows });
  }

  #keep(height: number, signed: SignedHeader): void {
    this.#fresh.set(height, signed);
    this.#latest = signed;
    for (const waiting of this.#waiting) if (waiting.height <= height) waiting.resolve();
  }
}

function validatorsHashOf(commit: unknown): Hex {
  const header = (commit as { signed_header?: { header?: { validators_hash?: unknown } } }).signed_header?.header;
  const hash = header?.validators_hash;
  return (typeof hash === "string" ? hash.toLowerCase() : "") as Hex;
}
