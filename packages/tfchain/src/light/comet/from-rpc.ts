/** CometBFT 0.38's own JSON (`/commit`, `/validators`) read strictly into our form. */
import { type AccountId, type Height, type Hex, bytesToHex } from "@tfgrid/primitives";
import { chainErrors } from "../errors.ts";
import { type CometBlockId, type CometCommit, type CometHeader, type CometSignedHeader, type CometValidator, type CometVote, cometSignedHeader } from "./types.ts";

type Json = Readonly<Record<string, unknown>>;

function bad(what: string): never {
  throw chainErrors.fail("light.bad_answer", { message: `CometBFT answered without a valid ${what}.`, details: { field: what } });
}

function object(value: unknown, what: string): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : bad(what);
}

const list = (value: unknown, what: string): readonly unknown[] => (Array.isArray(value) ? value : bad(what));
const text = (value: unknown, what: string): string => (typeof value === "string" ? value : bad(what));
const hex = (value: unknown, what: string): Hex => text(value, what).toLowerCase() as Hex;
const integer = (value: unknown, what: string): bigint =>
  typeof value === "string" && /^\d{1,19}$/.test(value) ? BigInt(value) : typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : bad(what);
const height = (value: unknown, what: string): Height => Number(integer(value, what)) as Height;

function base64(value: unknown, what: string): Hex {
  try {
    return bytesToHex(Uint8Array.from(atob(text(value, what)), (char) => char.charCodeAt(0)));
  } catch {
    return bad(what);
  }
}

/** Nanoseconds of Go's RFC 3339 text, which carries up to nine decimals; `Date` would lose six of them. */
export function rfc3339Ns(value: unknown): bigint {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text(value, "time"));
  if (match === null) return bad("time");
  const seconds = Date.parse(`${match[1]}Z`) / 1_000;
  if (!Number.isSafeInteger(seconds)) return bad("time");
  return BigInt(seconds) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

function blockId(value: unknown): CometBlockId {
  const id = object(value, "block_id");
  const parts = object(id["parts"] ?? id["part_set_header"], "block_id.parts");
  return { hash: hex(id["hash"], "block_id.hash"), parts: { total: Number(integer(parts["total"], "parts.total")), hash: hex(parts["hash"], "parts.hash") } };
}

function header(value: unknown): CometHeader {
  const from = object(value, "header");
  const version = object(from["version"], "header.version");
  const hash = (name: string): Hex => hex(from[name], `header.${name}`);
  return {
    // Zero is left out by CometBFT's encoder.
    version: { block: Number(integer(version["block"] ?? "0", "version.block")), app: Number(integer(version["app"] ?? "0", "version.app")) },
    chainId: text(from["chain_id"], "header.chain_id"),
    height: height(from["height"], "header.height"),
    timeNs: rfc3339Ns(from["time"]),
    lastBlockId: blockId(from["last_block_id"]),
    lastCommitHash: hash("last_commit_hash"),
    dataHash: hash("data_hash"),
    validatorsHash: hash("validators_hash"),
    nextValidatorsHash: hash("next_validators_hash"),
    consensusHash: hash("consensus_hash"),
    appHash: hash("app_hash"),
    lastResultsHash: hash("last_results_hash"),
    evidenceHash: hash("evidence_hash"),
    proposerAddress: hash("proposer_address"),
  };
}

function vote(value: unknown): CometVote {
  const from = object(value, "signature");
  const flag = Number(integer(from["block_id_flag"], "block_id_flag"));
  if (flag === 1) return { type: "absent" };
  if (flag !== 2 && flag !== 3) return bad("block_id_flag");
  const signed = {
    validatorAddress: hex(from["validator_address"], "validator_address"),
    timeNs: rfc3339Ns(from["timestamp"]),
    signature: base64(from["signature"], "signature"),
  };
  return flag === 2 ? { type: "commit", ...signed } : { type: "nil", ...signed };
}

function commit(value: unknown): CometCommit {
  const from = object(value, "commit");
  return {
    height: height(from["height"], "commit.height"),
    round: Number(integer(from["round"] ?? 0, "commit.round")),
    blockId: blockId(from["block_id"]),
    votes: list(from["signatures"], "commit.signatures").map(vote),
  };
}

const KEY_TYPE = "tendermint/PubKeyEd25519";

function validator(value: unknown): CometValidator {
  const from = object(value, "validator");
  const key = object(from["pub_key"], "pub_key");
  if (key["type"] !== KEY_TYPE) return bad("pub_key.type");
  return { publicKey: base64(key["value"], "pub_key") as string as AccountId, power: integer(from["voting_power"], "voting_power") };
}

export interface CometAnswers {
  /** `result` of `/commit?height=H`. */
  readonly commit: unknown;
  /** `result.validators` of `/validators?height=H`, all pages together, in their order. */
  readonly validators: readonly unknown[];
}

/** Form only: nothing is verified. @throws GridError light.bad_answer */
export function cometHeaderFromRpc(answers: CometAnswers): { readonly type: "cometbft" } & CometSignedHeader {
  const signed = object(object(answers.commit, "commit")["signed_header"], "signed_header");
  const value = { header: header(signed["header"]), commit: commit(signed["commit"]), validators: answers.validators.map(validator) };
  try {
    cometSignedHeader.toCbor(value);
  } catch (cause) {
    throw chainErrors.fail("light.bad_answer", { message: "CometBFT answered a header that is not valid.", cause });
  }
  return { type: "cometbft", ...value };
}
