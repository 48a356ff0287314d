/**
 * What a contract owes and who gets it. Money moves from the owner's held part to the payees; nothing is made or lost:
 * what rounding down leaves over goes to the validators' pool.
 */
import type { AccountId } from "@tfgrid/primitives";
import type { Contract, Node } from "../../types/entities.ts";
import type { Policy } from "../../types/policy.ts";
import { discountPercent } from "../accounts/stake.ts";
import { credit, debitHeld } from "../accounts/store.ts";
import type { StateReader, StateWriter } from "../api.ts";
import type { Context } from "../context.ts";
import { termsOf } from "../contracts/price.ts";
import { METER_SCALE, type Meter, contracts, meters, nodeOf, readMeter } from "../contracts/store.ts";
import { usageUnits, usages } from "../contracts/usage.ts";
import { payoutOf } from "../farms/property.ts";
import { requireFarm } from "../farms/store.ts";
import { MS_PER_HOUR } from "../limits.ts";
import { upCounterMs } from "../nodes/liveness.ts";
import { stoodMs } from "../nodes/pulse.ts";
import { requireNode } from "../nodes/store.ts";
import { readConstitution } from "../params/store.ts";
import { readPolicy } from "../policy/store.ts";
import { readPricing } from "../pricing/store.ts";
import { noteUse } from "../rewards/books.ts";
import { requireTwin } from "../twins/store.ts";

/** Income collected over many settlements, so that the foundation's account is written once a block and not once a bill. */
export type Payouts = Map<AccountId, bigint>;

export function payOut(state: StateWriter, payouts: Payouts): void {
  for (const account of [...payouts.keys()].sort()) credit(state, account, payouts.get(account) ?? 0n);
  payouts.clear();
}

export interface Settlement {
  readonly contract: Contract;
  readonly paidUnits: bigint;
  readonly owedUnits: bigint;
  /** Whether time is being billed at present: its node is up and it is not in grace. */
  readonly running: boolean;
}

/**
 * Bills one contract to this moment as far as `availableUnits` reach, and takes what it pays out of the owner's held money;
 * the caller lowers the escrow. Time in grace is not billed: the workload is paused.
 */
export function settle(context: Context, contract: Contract, availableUnits: bigint, payouts: Payouts): Settlement {
  const { state, block, emit } = context;
  const before = readMeter(state, contract.id);
  const { counterMs, running } = counterOf(context, contract);
  const billedMs = contract.state === "grace" ? 0 : Math.max(0, counterMs - before.seenMs);
  // The owner's stake takes its percentage off all that he spends. Exact in hundredths of unit-milliseconds; rounded down, once.
  const percent = contract.state === "grace" ? 0 : discountPercent(state, contract.twinId, block.timeMs);
  const publicBytes = takeUsage(context, contract);
  const usage = publicBytes === 0 ? 0n : trafficUnits(state, requireNode(state, nodeOf(contract)), publicBytes);
  if (contract.type === "node") noteUse(state, contract.nodeId, { publicBytes, ipv4Ms: contract.publicIps * billedMs });
  const accrued = accrue({ costPerHourUnits: contract.costPerHourUnits, billedMs, usageUnits: usage, discountPercent: percent, remainder: before.remainder });
  const dueUnits = accrued.units + before.owedUnits;
  const paidUnits = dueUnits <= availableUnits ? dueUnits : availableUnits;
  const owedUnits = dueUnits - paidUnits;
  // A count that fell back (the node had died before the last bill) is caught up before anything is billed again.
  const seenMs = Math.max(before.seenMs, counterMs);
  meters.put(state, contract.id, { ...before, seenMs, remainder: accrued.remainder, owedUnits });
  const fromMs = contract.settledAtMs;
  const next: Contract = { ...contract, billedUnits: contract.billedUnits + paidUnits, settledAtMs: block.timeMs };
  contracts.put(state, contract.id, next);
  if (paidUnits > 0n) distribute(context, contract, paidUnits, payouts);
  const downMs = contract.state === "grace" ? 0 : block.timeMs - fromMs - billedMs;
  const applied = percent === 0 ? {} : { discountPercent: percent };
  if (paidUnits > 0n || downMs > 0) {
    emit({ type: "contracts.billed", contractId: contract.id, amountUnits: paidUnits, fromMs, toMs: block.timeMs, downMs, ...applied });
  }
  return { contract: next, paidUnits, owedUnits, running: running && contract.state === "created" };
}

export interface Accrual {
  readonly costPerHourUnits: bigint;
  readonly billedMs: number;
  readonly usageUnits: bigint;
  readonly discountPercent: number;
  /** What the bill before left over, in hundredths of unit-milliseconds an hour. */
  readonly remainder: bigint;
}

/** Rounded down to whole units, and the rest kept for the next bill: many small bills come to what one large one would. */
export function accrue({ costPerHourUnits, billedMs, usageUnits: usage, discountPercent: percent, remainder }: Accrual): { readonly units: bigint; readonly remainder: bigint } {
  const gross = costPerHourUnits * BigInt(billedMs) + usage * BigInt(MS_PER_HOUR);
  const total = gross * BigInt(100 - percent) + remainder;
  return { units: total / METER_SCALE, remainder: total % METER_SCALE };
}

function trafficUnits(state: StateReader, node: Node, bytes: number): bigint {
  return usageUnits(readPricing(state), { bytes, certified: node.certification === "certified", trafficPercent: termsOf(state, node).trafficPercent });
}

/** Public traffic since the last bill. Billed in grace too: it was used before the pause. */
function takeUsage({ state }: Context, contract: Contract): number {
  const row = usages.get(state, contract.id);
  if (row === undefined || row.unbilledBytes === 0) return 0;
  usages.put(state, contract.id, { ...row, unbilledBytes: 0 });
  return row.unbilledBytes;
}

export function newMeter(context: Context, contract: Contract, dueMs: number): Meter {
  return { seenMs: counterOf(context, contract).counterMs, remainder: 0n, owedUnits: 0n, dueMs };
}

/** A name is held by the ledger itself, so it counts the time in which that ran; a node contract counts the time that its node was up. */
function counterOf(context: Context, contract: Contract): { counterMs: number; running: boolean } {
  if (contract.type === "name") return { counterMs: context.block.timeMs - stoodMs(context.state), running: true };
  const node = requireNode(context.state, contract.nodeId);
  return { counterMs: upCounterMs(context, node), running: node.up };
}

/** Of whom there is none for a name, the farmer gets nothing. Both shares are rounded down; the validators' pool gets the rest. */
export function sharesOf(split: Policy["split"], units: bigint, isName: boolean) {
  const toFarmer = isName ? 0n : (units * BigInt(split.farmerPercent)) / 100n;
  const toFoundation = (units * BigInt(isName ? split.nameFoundationPercent : split.foundationPercent)) / 100n;
  return { toFarmer, toFoundation, toValidators: units - toFarmer - toFoundation };
}

function distribute({ state }: Context, contract: Contract, units: bigint, payouts: Payouts): void {
  debitHeld(state, requireTwin(state, contract.twinId).account, units);
  const { foundation, validatorsPool } = readConstitution(state);
  const { toFarmer, toFoundation, toValidators } = sharesOf(readPolicy(state).split, units, contract.type === "name");
  const add = (account: AccountId, share: bigint): void => void payouts.set(account, (payouts.get(account) ?? 0n) + share);
  if (toFarmer > 0n) {
    const farm = requireFarm(state, requireNode(state, nodeOf(contract)).farmId);
    add(payoutOf(state, farm), toFarmer);
  }
  add(foundation, toFoundation);
  add(validatorsPool, toValidators);
}
