/** The client: signs requests, asks the notaries in turn, and believes none of them. */
import {
  bytesToHex,
  type CidText,
  cidOf,
  type Clock,
  concatBytes,
  decode,
  encode,
  type Entropy,
  GridError,
  hasCode,
  isGridError,
  type KeyPair,
  s,
  sha256,
  systemClock,
  systemEntropy,
  type TwinId,
  type WireError,
} from "@tfgrid/primitives";
import type { ChainReader } from "@tfgrid/tfchain";
import type { NotaryClient, StoredDocument } from "./client.ts";
import { notaryErrors } from "./errors.ts";
import { NOTARY_LIMITS as L } from "./limits.ts";
import {
  AUTH_SCHEME,
  cidBytes,
  CONTENT_TYPE,
  credentials,
  documentPath,
  type Hint,
  putBody,
  requestBytes,
  signaturesPath,
  signBody,
  signatureFits,
  type SignedPart,
  storedDocument,
} from "./wire.ts";

export interface ConnectNotaryOptions {
  /** One notary or several: a document is put to all that answer and read from the first that has it. */
  readonly urls: readonly string[];
  /** The keys of the signers are read here, not believed from the notary. */
  readonly chain: Pick<ChainReader, "twin">;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
}

interface Sender {
  readonly signer: KeyPair;
  readonly twinId: TwinId;
}

interface Call extends Sender {
  readonly method: SignedPart["method"];
  readonly path: string;
  readonly body?: Uint8Array;
  readonly hint?: Hint;
  readonly signal?: AbortSignal;
}

export function connectNotary(options: ConnectNotaryOptions): NotaryClient {
  if (options.urls.length === 0) throw notaryErrors.fail("notary.bad_config", { message: "At least one notary's address is needed." });
  const { clock = systemClock } = options;
  const notaries = options.urls.map((url) => remote(new URL(url).origin, options));
  return {
    put: async ({ schema, value, signer, twinId, readers }) => {
      const bytes = encode(schema, value);
      const cid = cidOf(bytes);
      const body = encode(putBody, { bytes, readers, signature: signer.sign("tfgrid/document/v1", cidBytes(cid)) });
      await patiently(clock, () => toAll(notaries, (ask) => ask({ method: "PUT", path: documentPath(cid), body, signer, twinId })));
      return cid;
    },
    sign: async ({ cid, signer, twinId }) => {
      const body = encode(signBody, { signature: signer.sign("tfgrid/document/v1", cidBytes(cid)) });
      await patiently(clock, () => toAll(notaries, (ask) => ask({ method: "POST", path: signaturesPath(cid), body, signer, twinId })));
    },
    get: async ({ cid, signer, twinId, contractId, solutionId, signal }) => {
      const hint: Hint = { ...(contractId === undefined ? {} : { contractId }), ...(solutionId === undefined ? {} : { solutionId }) };
      const call: Call = { method: "GET", path: documentPath(cid), signer, twinId, hint, ...(signal === undefined ? {} : { signal }) };
      return patiently(clock, () => fromFirst(notaries, async (ask) => checked(cid, await ask(call), options.chain)), signal);
    },
  };
}

/** Rides out the restart of a notary: every call is idempotent, so asking again is safe. */
async function patiently<T>(clock: Clock, ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await ask();
    } catch (error) {
      if (round >= L.clientRounds || !hasCode(error, "notary.unreachable")) throw error;
      await clock.sleep(L.clientFirstWaitMs * 2 ** (round - 1), signal);
    }
  }
}

type Ask = (call: Call) => Promise<Uint8Array>;

/** Kept by one is kept; the first refusal is told when none took it. */
async function toAll(notaries: readonly Ask[], send: (ask: Ask) => Promise<unknown>): Promise<void> {
  const results = await Promise.allSettled(notaries.map(send));
  if (results.some((result) => result.status === "fulfilled")) return;
  throw worst(results.map((result) => (result as PromiseRejectedResult).reason as unknown));
}

async function fromFirst<T>(notaries: readonly Ask[], read: (ask: Ask) => Promise<T>): Promise<T> {
  const failures: unknown[] = [];
  for (const ask of notaries) {
    try {
      return await read(ask);
    } catch (error) {
      if (!isGridError(error)) throw error;
      failures.push(error);
    }
  }
  throw worst(failures);
}

/** What tells most: a refusal rather than silence, an altered document before all. */
function worst(errors: readonly unknown[]): unknown {
  const order = ["notary.altered", "notary.forbidden", "notary.quota_exceeded", "notary.not_found"];
  for (const code of order) {
    const found = errors.find((error) => isGridError(error) && error.code === code);
    if (found !== undefined) return found;
  }
  return errors.find((error) => isGridError(error) && error.code !== "notary.unreachable") ?? errors[0];
}

async function checked(cid: CidText, answer: Uint8Array, chain: Pick<ChainReader, "twin">): Promise<StoredDocument> {
  let document: StoredDocument;
  try {
    document = decode(storedDocument, answer, { maxBytes: L.bodyBytes });
  } catch (cause) {
    throw notaryErrors.fail("notary.altered", { cause, details: { cid } });
  }
  const whole = document.cid === cid && cidOf(document.bytes) === cid;
  const byAuthor = document.signatures.some((entry) => entry.twinId === document.author);
  if (!whole || !byAuthor) throw notaryErrors.fail("notary.altered", { details: { cid } });
  const fits = await Promise.all(
    document.signatures.map(async ({ twinId, signature }) => {
      const twin = await chain.twin(twinId);
      return twin !== undefined && signatureFits({ account: twin.account, cid, signature });
    }),
  );
  if (fits.includes(false)) throw notaryErrors.fail("notary.altered", { message: "A signature does not fit its twin's key on the chain.", details: { cid } });
  return document;
}

function remote(origin: string, options: ConnectNotaryOptions): Ask {
  const { clock = systemClock, entropy = systemEntropy } = options;
  let offsetMs = 0;
  const attempt = (call: Call): Promise<Uint8Array> => {
    const authorization = authorize({ call, origin, timeMs: clock.nowMs() + offsetMs, nonce: entropy.randomBytes(16) });
    return send({ call, origin, authorization });
  };
  return async (call) => {
    try {
      return await attempt(call);
    } catch (error) {
      // The notary's time is only used to talk to this notary: a wrong one hurts nobody else.
      if (!isGridError(error) || error.code !== "notary.clock_skew" || typeof error.details["nowMs"] !== "number") throw error;
      offsetMs = error.details["nowMs"] - clock.nowMs();
      return attempt(call);
    }
  };
}

interface Authorization {
  readonly call: Call;
  readonly origin: string;
  readonly timeMs: number;
  readonly nonce: Uint8Array;
}

function authorize({ call, origin, timeMs, nonce }: Authorization): string {
  const fields = { twinId: call.twinId, timeMs: Math.max(0, Math.round(timeMs)), nonce: bytesToHex(nonce), hint: call.hint ?? {} };
  const bodyHash = bytesToHex(sha256(call.body ?? new Uint8Array(0)));
  const message = requestBytes({ ...fields, origin, method: call.method, path: call.path, bodyHash });
  const signature = call.signer.sign("tfgrid/request/v1", message);
  return AUTH_SCHEME + base64url(encode(credentials, { ...fields, signature }));
}

/** Without Node's Buffer: this client also runs in browsers. */
const base64url = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function send(options: { readonly call: Call; readonly origin: string; readonly authorization: string }): Promise<Uint8Array> {
  const { call, origin, authorization } = options;
  const timeout = AbortSignal.timeout(L.clientTimeoutMs);
  const signal = call.signal === undefined ? timeout : AbortSignal.any([call.signal, timeout]);
  try {
    const response = await fetch(origin + call.path, {
      method: call.method,
      headers: { authorization, ...(call.body === undefined ? {} : { "content-type": CONTENT_TYPE }) },
      body: call.body === undefined ? null : new Uint8Array(call.body),
      redirect: "error",
      signal,
    });
    const answer = await bounded(response);
    if (response.ok) return answer;
    throw refusal(answer, response.status, origin);
  } catch (cause) {
    if (isGridError(cause)) throw cause;
    if (call.signal?.aborted === true) throw call.signal.reason;
    throw notaryErrors.fail("notary.unreachable", { cause, details: { notary: origin } });
  }
}

/** A hostile notary may send without end. */
async function bounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > L.bodyBytes + L.signaturesPerDocument * 128) throw notaryErrors.fail("notary.altered", { message: "The notary's answer is too long." });
    parts.push(part);
  }
  return concatBytes(...parts);
}

const text = s.text({ maxLength: 4_096 });

function refusal(answer: Uint8Array, status: number, origin: string): GridError {
  try {
    const wire = JSON.parse(new TextDecoder().decode(answer)) as Partial<WireError>;
    const error = { code: text.fromJson(wire.code), message: text.fromJson(wire.message), cure: text.fromJson(wire.cure) };
    return GridError.fromWire(typeof wire.details === "object" ? { ...error, details: wire.details } : error);
  } catch (cause) {
    return notaryErrors.fail("notary.unreachable", { message: `${origin} answered ${status} and no error of a notary.`, cause });
  }
}
