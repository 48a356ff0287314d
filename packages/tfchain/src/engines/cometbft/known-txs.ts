/**
 * Transactions whose signature was checked. One check serves CheckTx, recheck, proposals and the final block. Bounded: what
 * is forgotten is checked again. Keyed by the hash of all bytes, signature included, so a verdict is never another one's.
 */
import { hash as cryptoHash } from "node:crypto";
import { type GridError, type Hex, isGridError } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import { chainErrors } from "../../light/errors.ts";
import type { DecodedTx, Runtime } from "../../runtime/api.ts";
import { verifyTx } from "../verify.ts";

export type Verdict = { readonly ok: true; readonly decoded: DecodedTx } | { readonly ok: false; readonly error: GridError };

export interface KnownTxsOptions {
  readonly runtime: Pick<Runtime, "decodeTx">;
  /** Checks one signature; the default uses other threads. */
  readonly verify?: typeof verifyTx;
}

export class KnownTxs {
  readonly #options: KnownTxsOptions;
  readonly #known = new Map<Hex, Verdict & { readonly ok: true }>();
  readonly #checking = new Map<Hex, Promise<Verdict>>();
  #bytes = 0;
  /** Signatures that were checked: shows that none is checked twice. */
  checks = 0;

  constructor(options: KnownTxsOptions) {
    this.#options = options;
  }

  /** At once when the transaction is known, or cannot be decoded. */
  verdict(bytes: Uint8Array): Verdict | Promise<Verdict> {
    const hash = cryptoHash("sha256", bytes, "hex") as Hex;
    return this.#known.get(hash) ?? this.#checking.get(hash) ?? this.#check(hash, bytes);
  }

  #check(hash: Hex, bytes: Uint8Array): Verdict | Promise<Verdict> {
    let decoded: DecodedTx;
    try {
      // Copied: the frame that it came in is larger, and would be held as long as this.
      decoded = this.#options.runtime.decodeTx(bytes.slice(), COMET_LIMITS.txBytes);
    } catch (error) {
      if (isGridError(error)) return { ok: false, error };
      throw error;
    }
    const { signer: account } = decoded.tx.body;
    const { verify = verifyTx } = this.#options;
    this.checks += 1;
    const checking = this.#verdictOf(hash, decoded, verify({ account, signBytes: decoded.signBytes, signature: decoded.tx.signature }));
    this.#checking.set(hash, checking);
    return checking;
  }

  async #verdictOf(hash: Hex, decoded: DecodedTx, checked: Promise<boolean>): Promise<Verdict> {
    try {
      if (await checked) return this.#remember(hash, { ok: true, decoded });
      return { ok: false, error: chainErrors.fail("tx.bad_signature", { details: { account: decoded.tx.body.signer } }) };
    } finally {
      this.#checking.delete(hash);
    }
  }

  #remember(hash: Hex, verdict: Verdict & { readonly ok: true }): Verdict {
    this.#known.set(hash, verdict);
    this.#bytes += verdict.decoded.sizeBytes;
    for (const [oldest, { decoded }] of this.#known) {
      if (this.#known.size <= COMET_LIMITS.knownTxs && this.#bytes <= COMET_LIMITS.knownTxBytes) break;
      this.#known.delete(oldest);
      this.#bytes -= decoded.sizeBytes;
    }
    return verdict;
  }
}

/** All verdicts in order: at once when all are known. */
export function verdictsOf(known: KnownTxs, txs: readonly Uint8Array[]): readonly Verdict[] | Promise<readonly Verdict[]> {
  const verdicts = txs.map((bytes) => known.verdict(bytes));
  const settled = verdicts.filter((verdict): verdict is Verdict => !(verdict instanceof Promise));
  return settled.length === verdicts.length ? settled : Promise.all(verdicts.map(async (verdict) => verdict));
}
