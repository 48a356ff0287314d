/** Submissions whose signatures are being checked side by side. They leave in the order in which they came. */
import { ENGINE_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import type { DecodedTx } from "../runtime/api.ts";
import type { TxResult } from "./engine.ts";
import type { PendingTx } from "./mempool.ts";
import { verifyTx } from "./verify.ts";

interface Arrival extends PendingTx {
  valid: boolean | undefined;
}

export interface ArrivalsOptions {
  /** Takes one with a good signature into the mempool, or answers the one that waits there already. @throws GridError */
  readonly enter: (tx: PendingTx) => PendingTx;
}

export class Arrivals {
  readonly #enter: ArrivalsOptions["enter"];
  readonly #waiting = new Set<Arrival>();
  #empty: PromiseWithResolvers<void> | undefined;

  constructor(options: ArrivalsOptions) {
    this.#enter = options.enter;
  }

  /** @throws GridError mempool.full, tx.bad_signature and what `enter` throws */
  submit(bytes: Uint8Array, decoded: DecodedTx): Promise<TxResult> {
    if (this.#waiting.size >= ENGINE_LIMITS.pendingSignatures) throw chainErrors.fail("mempool.full");
    const { body, signature } = decoded.tx;
    const arrival: Arrival = { bytes, decoded, result: Promise.withResolvers<TxResult>(), valid: undefined };
    this.#waiting.add(arrival);
    const checked = (valid: boolean): void => {
      arrival.valid = valid;
      this.#release();
    };
    verifyTx({ account: body.signer, signBytes: decoded.signBytes, signature }).then(checked, (error: unknown) => {
      arrival.result.reject(error);
      checked(false);
    });
    return arrival.result.promise;
  }

  #release(): void {
    for (const arrival of this.#waiting) {
      if (arrival.valid === undefined) return;
      this.#waiting.delete(arrival);
      this.#decide(arrival);
    }
    this.#empty?.resolve();
    this.#empty = undefined;
  }

  #decide(arrival: Arrival): void {
    const { result, decoded, valid } = arrival;
    try {
      if (valid !== true) throw chainErrors.fail("tx.bad_signature", { details: { account: decoded.tx.body.signer } });
      const entered = this.#enter(arrival);
      if (entered !== arrival) result.resolve(entered.result.promise);
    } catch (error) {
      result.reject(error);
    }
  }

  /** When all that have come have been decided. */
  settled(): Promise<void> {
    if (this.#waiting.size === 0) return Promise.resolve();
    this.#empty ??= Promise.withResolvers<void>();
    return this.#empty.promise;
  }
}
