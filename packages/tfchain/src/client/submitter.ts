/**
 * Signs and submits. Submissions of one key go one after the other, so each knows its number. The same bytes may be sent
 * any number of times: the ledger answers for a committed hash what it answered first, so a lost connection loses nothing.
 */
import { type AccountId, type Height, type KeyPair, GridError, bytesToHex, encode, hasCode } from "@tfgrid/primitives";
import type { TxResult } from "../engines/engine.ts";
import { CLIENT_LIMITS } from "../limits.ts";
import { type Call, type Receipt, signedTransaction, transactionBody } from "../types/index.ts";
import { type Environment, withRetries } from "./retry.ts";
import type { Transport } from "./transport.ts";

interface Submission {
  readonly signer: KeyPair;
  readonly calls: readonly Call[];
  readonly signal?: AbortSignal | undefined;
}

export class Submitter {
  readonly #transport: Pick<Transport, "call">;
  readonly #env: Environment;
  /** The last submission of each key, to queue behind. */
  readonly #tails = new Map<AccountId, Promise<unknown>>();
  readonly #nonces = new Map<AccountId, number>();
  #chainId: string | undefined;
  #height = 0;
  #headReadAtMs = Number.NEGATIVE_INFINITY;

  constructor(transport: Pick<Transport, "call">, env: Environment) {
    this.#transport = transport;
    this.#env = env;
  }

  async submit(submission: Submission): Promise<Receipt> {
    const { account } = submission.signer;
    const before = this.#tails.get(account) ?? Promise.resolve();
    const own = before.then(() => this.#submitNow(submission));
    const tail = own.catch(() => undefined);
    this.#tails.set(account, tail);
    try {
      return receiptOf(await own);
    } finally {
      if (this.#tails.get(account) === tail) this.#tails.delete(account);
    }
  }

  async #submitNow(submission: Submission): Promise<TxResult> {
    const { signer, signal } = submission;
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      const result = await this.#attempt(submission).catch((error: unknown) => {
        // Whatever went wrong, the number that we believed in may be wrong now.
        this.#nonces.delete(signer.account);
        // The ledger is at another number, so what we signed is not in it and cannot enter any more: sign anew.
        if (hasCode(error, "tx.bad_nonce") && attempt < CLIENT_LIMITS.nonceAttempts) return undefined;
        throw error;
      });
      if (result === undefined) continue;
      this.#height = Math.max(this.#height, result.height);
      if (result.ok) {
        this.#nonces.set(signer.account, result.nonce + 1);
        return result;
      }
      this.#nonces.delete(signer.account);
      if (result.error?.code !== "tx.bad_nonce" || attempt >= CLIENT_LIMITS.nonceAttempts) return result;
    }
  }

  async #attempt(submission: Submission): Promise<TxResult> {
    const tx = bytesToHex(await this.#signed(submission));
    const { signal } = submission;
    const send = (): Promise<TxResult> => this.#transport.call("tx.submit", { tx }, { signal, timeoutMs: CLIENT_LIMITS.submitTimeoutMs });
    return withRetries(send, { env: this.#env, attempts: CLIENT_LIMITS.submitAttempts, signal });
  }

  async #signed({ signer, calls, signal }: Submission): Promise<Uint8Array> {
    const retry = { env: this.#env, attempts: CLIENT_LIMITS.submitAttempts, signal };
    const chainId = await this.#knownChain(retry);
    const nonce =
      this.#nonces.get(signer.account) ?? (await withRetries(() => this.#transport.call("account", { id: signer.account }, { signal }), retry)).nonce;
    const expiresAtHeight = (this.#height + CLIENT_LIMITS.expiresInBlocks) as Height;
    const body = { chainId, signer: signer.account, nonce, expiresAtHeight, calls };
    return encode(signedTransaction, { body, signature: signer.sign("tfgrid/tx/v1", encode(transactionBody, body)) });
  }

  /** Reads the head unless one was seen lately: an old height would make transactions that are born expired. */
  async #knownChain(retry: { readonly env: Environment; readonly attempts: number; readonly signal: AbortSignal | undefined }): Promise<string> {
    const nowMs = this.#env.clock.nowMs();
    if (this.#chainId !== undefined && Math.abs(nowMs - this.#headReadAtMs) < CLIENT_LIMITS.headAgeMs) return this.#chainId;
    const head = await withRetries(() => this.#transport.call("head", {}, { signal: retry.signal }), retry);
    this.#chainId ??= head.chainId;
    this.#height = Math.max(this.#height, head.height);
    this.#headReadAtMs = nowMs;
    return this.#chainId;
  }
}

/** @throws GridError what the ledger refused */
function receiptOf(result: TxResult): Receipt {
  const { hash, height, timeMs, feeUnits, events, error } = result;
  if (error !== undefined) {
    throw GridError.fromWire({ ...error, details: { ...error.details, txHash: hash, height } } as ConstructorParameters<typeof GridError>[0]);
  }
  return { hash, height, timeMs, feeUnits, events };
}
