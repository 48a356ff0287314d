/** How a chain begins. A genesis is JSON: money as text, ids as hex. */
import { type AccountId, GridError, type Infer, type JsonValue, UNITS_PER_TFT, s } from "@tfgrid/primitives";
import { runtimeErrors } from "../errors.ts";
import { accountId, params, pricing } from "../types/entities.ts";
import { charter, givenPolicy } from "../types/policy.ts";
import { validatorList } from "../types/validators.ts";
import { credit } from "./accounts/store.ts";
import type { BlockContext, StateWriter } from "./api.ts";
import { importContent } from "./export/content.ts";
import { genesisStart } from "./export/genesis.ts";
import { content } from "./export/layout.ts";
import { invariants } from "./invariants.ts";
import { RUNTIME_LIMITS } from "./limits.ts";
import { constitutionCell, paramsCell } from "./params/store.ts";
import { LOCAL_POLICY, MAIN_POLICY, NO_CHARTER } from "./policy/presets.ts";
import { charterCell, policyCell } from "./policy/store.ts";
import { pricingCell } from "./pricing/store.ts";
import { storeValidators, wrongWithSet } from "./validators/change.ts";
import { readValidatorSet } from "./validators/store.ts";

export const genesis = s.struct({
  chainId: s.text({ minLength: 1, maxLength: 64 }),
  params,
  pricing,
  /** Receives its share of all bills. */
  foundation: accountId,
  /** Receives fees, its share of all bills and what rounding leaves over. */
  validatorsPool: accountId,
  accounts: s.list(s.struct({ id: accountId, freeUnits: s.units() }), { max: RUNTIME_LIMITS.genesisAccounts }),
  /** Without it, the main network's numbers. */
  policy: s.optional(givenPolicy),
  /** Without it, nobody holds an office and there are no terms to accept. */
  charter: s.optional(charter),
  /** Who makes blocks, for an engine with validators. `solo` has its one authority whatever stands here. */
  validators: s.optional(validatorList),
  /** What another chain held when it was exported (`exportGenesis`): this one goes on from there. */
  content: s.optional(content),
});
export type Genesis = Infer<typeof genesis>;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const COMMON = {
  feeBaseUnits: UNITS_PER_TFT / 1_000n,
  feePerByteUnits: 1n,
  maxTxBytes: 256 * 1024,
  maxCallsPerTx: 256,
} as const;

/** `local`: everything happens while one watches. `main`: the numbers of the main network. */
export const PRESETS = {
  local: { ...COMMON, heartbeatIntervalMs: 5 * SECOND, settlementIntervalMs: 15 * SECOND, graceMs: 5 * MINUTE, reportsPerMinute: 600 },
  main: { ...COMMON, heartbeatIntervalMs: 10 * MINUTE, settlementIntervalMs: HOUR, graceMs: 14 * DAY, reportsPerMinute: 120 },
} as const satisfies Readonly<Record<string, Genesis["params"]>>;

export const POLICIES = { local: LOCAL_POLICY, main: MAIN_POLICY } as const satisfies Readonly<Record<keyof typeof PRESETS, unknown>>;

export const DEFAULT_PRICING: Genesis["pricing"] = {
  cuMicroUsdPerHour: 30_560,
  suMicroUsdPerHour: 19_440,
  nuMicroUsdPerGb: 50_000,
  ipv4MicroUsdPerHour: 6_940,
  nameMicroUsdPerHour: 6_940,
  certifiedPercent: 25,
  tftPriceMicroUsd: 80_000,
};

export interface GenesisOptions {
  readonly chainId: string;
  readonly foundation: AccountId;
  readonly validatorsPool: AccountId;
  readonly accounts: Genesis["accounts"];
  readonly preset?: keyof typeof PRESETS;
  readonly params?: Partial<Genesis["params"]>;
  readonly pricing?: Partial<Genesis["pricing"]>;
  readonly policy?: Partial<NonNullable<Genesis["policy"]>>;
  readonly charter?: Partial<NonNullable<Genesis["charter"]>>;
  readonly validators?: NonNullable<Genesis["validators"]>;
}

export function defaultGenesis(options: GenesisOptions): Genesis {
  const { chainId, foundation, validatorsPool, accounts, preset = "local" } = options;
  return {
    chainId,
    params: { ...PRESETS[preset], ...options.params },
    pricing: { ...DEFAULT_PRICING, ...options.pricing },
    policy: { ...POLICIES[preset], ...options.policy },
    ...(options.charter === undefined ? {} : { charter: { ...NO_CHARTER, ...options.charter } }),
    ...(options.validators === undefined ? {} : { validators: options.validators }),
    foundation,
    validatorsPool,
    accounts,
  };
}

/** A genesis from JSON, or as `defaultGenesis` made it. @throws GridError genesis.invalid */
export function parseGenesis(value: unknown): Genesis {
  try {
    return genesis.fromJson(moneyAsText(value));
  } catch (cause) {
    if (!(cause instanceof GridError)) throw cause;
    throw runtimeErrors.fail("genesis.invalid", { message: `The genesis is not valid: ${cause.message}`, cause });
  }
}

export const genesisToJson = (value: Genesis): JsonValue => genesis.toJson(value);

/** Parts of an exported content, which may be millions of rows and hold JSON in any case. */
const IS_JSON: ReadonlySet<string> = new Set(["cells", "sections"]);

function moneyAsText(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return value.map(moneyAsText);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, IS_JSON.has(key) ? entry : moneyAsText(entry)]));
}

/** @throws GridError genesis.invalid */
export function initGenesis(state: StateWriter, value: unknown, block: BlockContext): void {
  const first = parseGenesis(value);
  requireConsistent(first, block);
  const { chainId, foundation, validatorsPool, accounts, content } = first;
  if (content !== undefined) importContent(state, content);
  const supplyUnits = accounts.reduce((sum, { freeUnits }) => sum + freeUnits, content?.genesisUnits ?? 0n);
  if (supplyUnits > s.MAX_UNITS) throw invalid("All accounts together hold more than can be counted.");
  paramsCell.put(state, first.params);
  pricingCell.put(state, first.pricing);
  if (first.policy !== undefined) policyCell.put(state, first.policy);
  if (first.charter !== undefined) charterCell.put(state, first.charter);
  if (first.validators !== undefined) {
    const before = readValidatorSet(state);
    // In a chain that goes on they are a change like any other.
    storeValidators(state, first.validators, { version: before.validators.length === 0 ? before.version : before.version + 1, height: block.height });
  }
  constitutionCell.put(state, { chainId, foundation, validatorsPool, supplyUnits });
  for (const { id, freeUnits } of accounts) credit(state, id, freeUnits);
  if (content !== undefined) requireInvariants(state);
}

function requireConsistent(first: Genesis, block: BlockContext): void {
  if (first.chainId !== block.chainId) throw invalid(`The genesis is for chain ${first.chainId}, the engine runs ${block.chainId}.`);
  const start = genesisStart(first);
  if (start.height !== block.height) throw invalid(`The genesis goes on after height ${start.height}, the engine begins after ${block.height}.`);
  const ids = first.accounts.map(({ id }) => id);
  if (new Set(ids).size !== ids.length) throw invalid("An account is listed twice.");
  const wrong = first.validators === undefined ? undefined : wrongWithSet(first.validators);
  if (wrong !== undefined) throw invalid(`The validators are wrong: ${wrong}.`);
}

/** Content that was changed by hand must still be a ledger: money that exists, capacity that is there, nothing forgotten. */
function requireInvariants(state: StateWriter): void {
  const [violation] = invariants(state);
  if (violation !== undefined) throw invalid(`The genesis' content is not consistent: ${violation}.`);
}

const invalid = (message: string): GridError => runtimeErrors.fail("genesis.invalid", { message });
