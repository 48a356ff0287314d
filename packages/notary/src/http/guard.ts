/** Who sends a request: checked signature, time and nonce, and no more often than allowed. */
import { type AccountId, bytesToHex, type Clock, decode, type Hex, sha256, type TwinId, verify } from "@tfgrid/primitives";
import type { Twin } from "@tfgrid/tfchain";
import type { Facts, Ledger } from "../core/ledger.ts";
import { onChain } from "../core/notary.ts";
import { notaryErrors } from "../errors.ts";
import { NOTARY_LIMITS as L } from "../limits.ts";
import { AUTH_MAX_BYTES, AUTH_SCHEME, type Credentials, credentials, type Hint, requestBytes, type SignedPart } from "../wire.ts";

export interface Incoming {
  readonly authorization: string | undefined;
  readonly method: SignedPart["method"];
  readonly path: string;
  readonly body: Uint8Array;
}

export interface Guard {
  /** @throws GridError notary.too_many_requests */
  admit(address: string): void;
  /** @throws GridError notary.unauthorized, notary.clock_skew, notary.replayed */
  authenticate(incoming: Incoming): Promise<{ readonly twin: Twin; readonly hint: Hint }>;
}

export function guard(options: { readonly ledger: Ledger; readonly clock: Clock; readonly origins: readonly string[] }): Guard {
  const { ledger, clock, origins } = options;
  const startedAtMs = clock.nowMs();
  const nonces = new Map<string, number>();
  const addresses = buckets<string>({ clock, perSecond: L.requestsPerSecondPerAddress, burst: L.burstPerAddress });
  const twins = buckets<TwinId>({ clock, perSecond: L.requestsPerSecondPerTwin, burst: L.burstPerTwin });
  return {
    admit: addresses,
    authenticate: async (incoming) => {
      const claim = readCredentials(incoming.authorization);
      checkTime(claim.timeMs, { nowMs: clock.nowMs(), startedAtMs });
      const twin = await onChain(() => ledger.ask((chain) => signer(chain, claim, { incoming, origins })));
      if (twin === undefined) throw notaryErrors.fail("notary.unauthorized", { details: { origins, twinId: claim.twinId } });
      useNonce(nonces, `${claim.twinId}:${claim.nonce}`, clock.nowMs());
      twins(twin.id);
      return { twin, hint: claim.hint };
    },
  };
}

function readCredentials(header: string | undefined): Credentials {
  if (header === undefined || !header.startsWith(AUTH_SCHEME)) {
    throw notaryErrors.fail("notary.unauthorized", { message: "The request has no TFGrid credentials." });
  }
  try {
    const bytes = Buffer.from(header.slice(AUTH_SCHEME.length), "base64url");
    return decode(credentials, new Uint8Array(bytes), { maxBytes: AUTH_MAX_BYTES });
  } catch (cause) {
    throw notaryErrors.fail("notary.unauthorized", { message: "The credentials cannot be read.", cause });
  }
}

/**
 * Nonces are remembered in memory only: a request made before this start might have been used before it, so it is refused.
 */
function checkTime(timeMs: number, at: { readonly nowMs: number; readonly startedAtMs: number }): void {
  if (Math.abs(at.nowMs - timeMs) <= L.clockSkewMs && timeMs >= at.startedAtMs) return;
  throw notaryErrors.fail("notary.clock_skew", { details: { nowMs: at.nowMs, timeMs, allowedMs: L.clockSkewMs } });
}

/** The twin, if its key made the request. */
async function signer(chain: Facts, claim: Credentials, { incoming, origins }: { readonly incoming: Incoming; readonly origins: readonly string[] }): Promise<Twin | undefined> {
  const twin = await chain.twin(claim.twinId);
  return twin !== undefined && signedBy(twin.account, claim, incoming, origins) ? twin : undefined;
}

function signedBy(account: AccountId, claim: Credentials, incoming: Incoming, origins: readonly string[]): boolean {
  const { signature, ...fields } = claim;
  const bodyHash: Hex = bytesToHex(sha256(incoming.body));
  return origins.some((origin) => {
    const message = requestBytes({ ...fields, origin, method: incoming.method, path: incoming.path, bodyHash });
    return verify({ account, domain: "tfgrid/request/v1", message, signature });
  });
}

function useNonce(nonces: Map<string, number>, key: string, nowMs: number): void {
  // In order of arrival, so the oldest are first; a nonce can come back within the skew on either side.
  for (const [old, usedAtMs] of nonces) {
    if (nowMs - usedAtMs <= 2 * L.clockSkewMs) break;
    nonces.delete(old);
  }
  if (nonces.has(key)) throw notaryErrors.fail("notary.replayed");
  if (nonces.size >= L.nonces) throw notaryErrors.fail("notary.too_many_requests");
  nonces.set(key, nowMs);
}

interface BucketOptions {
  readonly clock: Clock;
  readonly perSecond: number;
  readonly burst: number;
}

function buckets<K>({ clock, perSecond, burst }: BucketOptions): (key: K) => void {
  const known = new Map<K, { tokens: number; atMs: number }>();
  return (key) => {
    const nowMs = clock.nowMs();
    const bucket = known.get(key) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    known.delete(key);
    known.set(key, bucket);
    if (known.size > L.rememberedCallers) {
      const oldest = known.keys().next();
      if (oldest.done !== true) known.delete(oldest.value);
    }
    if (bucket.tokens < 1) throw notaryErrors.fail("notary.too_many_requests", { details: { perSecond } });
    bucket.tokens -= 1;
  };
}
