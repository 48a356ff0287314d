/** What commands that write to the ledger share: amounts, who is meant, one way to send and to tell. */
import { type AccountId, type CidText, type KeyPair, type TwinId, formatTft, isGridError, parseTft, s } from "@tfgrid/primitives";
import type { Call, ChainReader, Farm, Receipt } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import type { KeyRole } from "../local-grid/keys.ts";
import { found, parseId } from "./arguments.ts";

/** @throws GridError cli.bad_argument */
export function parseAmount(text: string, least: 0 | 1 = 1): bigint {
  const units = parseTft(text);
  if (units !== undefined && units >= BigInt(least)) return units;
  throw cliErrors.fail("cli.bad_argument", { message: `${text} is not an amount of TFT (for example 12.5).` });
}

/** @throws GridError cli.bad_argument */
export function parseCount(text: string, what: string, [min, max]: readonly [number, number]): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value >= min && value <= max) return value;
  throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is not a ${what}: a whole number of ${min} to ${max} is wanted.` });
}

/** @throws GridError cli.bad_argument */
export function parseAccount(text: string): AccountId {
  if (/^[0-9a-f]{64}$/.test(text)) return text as AccountId;
  throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is no account: 64 hex digits are wanted (see \`tfgrid wallet show\`).` });
}

/** @throws GridError cli.bad_argument */
export function parseCid(text: string): CidText {
  try {
    return s.cid.fromJson(text);
  } catch (cause) {
    if (!isGridError(cause)) throw cause;
    throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is not a document CID.`, cause });
  }
}

/** An account, or that of a twin. @throws GridError cli.bad_argument, cli.not_found */
export async function accountOf(chain: ChainReader, text: string): Promise<AccountId> {
  if (/^[0-9a-f]{64}$/.test(text)) return text as AccountId;
  return found(await chain.twin(parseId<TwinId>(text, "account or twin id")), `twin ${text}`).account;
}

/** By id or by name. @throws GridError cli.bad_argument, cli.not_found */
export async function farmOf(chain: ChainReader, text: string): Promise<Farm> {
  return found(/^\d+$/.test(text) ? await chain.farm(parseId<Farm["id"]>(text, "farm id")) : await chain.farmByName(text), `farm ${text}`);
}

export interface Sending {
  /** Whose key signs when nothing else is said. */
  readonly role?: KeyRole;
  readonly calls: readonly Call[];
  /** One sentence for people; the fee is added. */
  readonly say: (receipt: Receipt) => string;
  /** With --json beside the receipt. */
  readonly facts?: (receipt: Receipt) => object;
}

/** Signs, waits until it is final, tells. */
export async function send(context: Context, { role, calls, say, facts }: Sending): Promise<void> {
  await sendAs(context, context.keyPair(role), { calls, say, ...(facts === undefined ? {} : { facts }) });
}

export async function sendAs(context: Context, keyPair: KeyPair, { calls, say, facts }: Omit<Sending, "role">): Promise<void> {
  const receipt = await context.chain().submit(keyPair, calls, { signal: context.signal });
  context.printer.result({ ...facts?.(receipt), ...receipt }, () => `${say(receipt)} (fee ${formatTft(receipt.feeUnits)} TFT)`);
}

/** `key  value` lines with the values in one column. */
export function facts(rows: Readonly<Record<string, string | number | undefined>>): string {
  const shown = Object.entries(rows).filter(([, value]) => value !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

export const isoTime = (ms: number): string => new Date(ms).toISOString();
/** Millionths of a US dollar. */
export const formatUsd = (micro: number): string => `${micro / 1_000_000} USD`;
