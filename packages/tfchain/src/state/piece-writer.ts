/** What a restore writes, in pieces: each is small enough that it hardly holds anybody up, and large enough to be worth its flush. */
import { STATE_LIMITS } from "../limits.ts";
import type { Slices } from "./slices.ts";
import type { Storage, WriteOp } from "./storage.ts";

export class PieceWriter {
  readonly #storage: Storage;
  readonly #slices: Slices;
  #ops: WriteOp[] = [];
  #bytes = 0;

  constructor(storage: Storage, slices: Slices) {
    this.#storage = storage;
    this.#slices = slices;
  }

  /** Whether the piece is to be written now. */
  get full(): boolean {
    return this.#ops.length >= STATE_LIMITS.restoreRowsPerWrite || this.#bytes >= STATE_LIMITS.restoreBytesPerWrite;
  }

  /** Answers whether the piece is to be written now. */
  add(op: WriteOp): boolean {
    this.#ops.push(op);
    this.#bytes += op.value?.length ?? 0;
    return this.full;
  }

  /** Writes, and lets others run. @throws GridError chain.disk_full, chain.storage_failed; the reason of the signal of the slices */
  async flush(): Promise<void> {
    this.#slices.requireWanted();
    if (this.#ops.length > 0) this.#storage.write(this.#ops);
    this.#ops = [];
    this.#bytes = 0;
    await this.#slices.pause();
  }
}
