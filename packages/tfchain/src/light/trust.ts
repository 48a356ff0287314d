/** What a user of a chain knows beforehand, and from where all else is proven. */
import { type AccountId, type Height, type Hex, type JsonValue, type Schema, s, schemaErrors } from "@tfgrid/primitives";
import { accountId, height, key32, timeMs } from "../types/entities.ts";

/** Engine `solo`: from the genesis. */
export interface TrustedAuthority {
  readonly chainId: string;
  readonly authority: AccountId;
}

/** Engine `cometbft`: the validators of the genesis. */
export interface TrustedValidators {
  readonly chainId: string;
  readonly validatorsHash: Hex;
  /** Time of the genesis: the trust period begins here. Without it there is no trust period: for chains whose validators are all your own. */
  readonly timeMs?: number;
}

/** Engine `cometbft`: a block that somebody trustworthy named, younger than the trust period. */
export interface TrustedBlock {
  readonly chainId: string;
  readonly height: Height;
  readonly hash: Hex;
}

export type ChainTrust = TrustedAuthority | TrustedValidators | TrustedBlock;
/** The name that the first engine's users know it by. */
export type TrustedGenesis = TrustedAuthority;

const chainId = s.text({ minLength: 1, maxLength: 64 });
const forms: readonly { readonly mark: string; readonly schema: Schema<ChainTrust> }[] = [
  { mark: "authority", schema: s.struct({ chainId, authority: accountId }) },
  { mark: "validatorsHash", schema: s.struct({ chainId, validatorsHash: key32, timeMs: s.optional(timeMs) }) },
  { mark: "hash", schema: s.struct({ chainId, height, hash: key32 }) },
] as readonly { readonly mark: string; readonly schema: Schema<ChainTrust> }[];

function formOf(value: unknown, path: string): Schema<ChainTrust> {
  const found = typeof value === "object" && value !== null ? forms.filter(({ mark }) => mark in value) : [];
  const [form] = found;
  if (form !== undefined && found.length === 1) return form.schema;
  const message = `${path || "value"}: expected chainId with one of authority, validatorsHash, or height and hash`;
  throw schemaErrors.fail("codec.invalid_value", { message, details: { path: path || "value" } });
}

/** For configuration files: the form is told by its fields. */
export const chainTrust: Schema<ChainTrust> = {
  fromCbor: (value, path = "") => formOf(value, path).fromCbor(value, path),
  toCbor: (value, path = "") => formOf(value, path).toCbor(value, path),
  fromJson: (value, path = "") => formOf(value, path).fromJson(value, path),
  toJson: (value): JsonValue => formOf(value, "").toJson(value),
  jsonSchema: () => ({ oneOf: forms.map(({ schema }) => schema.jsonSchema()) }),
};
