/** Public traffic: what a node counted for a contract, and what of it is not billed yet. */
import { type ContractId, UNITS_PER_TFT } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Pricing } from "../../types/entities.ts";
import { type Usage, usage } from "../../types/ledger.ts";
import type { StateReader } from "../api.ts";
import type { CallContext, CallOf } from "../context.ts";
import { requireSelf } from "../nodes/store.ts";
import { readPolicy } from "../policy/store.ts";
import { table } from "../store/table.ts";
import { requireActive } from "./store.ts";

export const usages = table<ContractId, Usage>({ prefix: "usage", schema: usage });

/** The node's counter since the contract began: a report that is lost or repeated changes nothing in the sum. */
export function reportUsage(context: CallContext, { contractId, publicBytes }: CallOf<"contracts.report_usage">): void {
  const { state, block } = context;
  const contract = requireActive(state, contractId);
  if (contract.type !== "node") throw runtimeErrors.fail("contracts.not_a_node_contract", { details: { contractId } });
  requireSelf(context, contract.nodeId);
  const before = usages.get(state, contractId) ?? { contractId, publicBytes: 0, unbilledBytes: 0, reportedAtMs: contract.createdAtMs };
  const grown = publicBytes - before.publicBytes;
  const { usageMaxBytesPerSecond } = readPolicy(state);
  const most = Math.floor(((block.timeMs - before.reportedAtMs) / 1_000) * usageMaxBytesPerSecond);
  if (grown < 0 || grown > most) {
    const message = `The traffic of contract ${contractId} stood at ${before.publicBytes} bytes and can have grown by ${most}, not by ${grown}.`;
    throw runtimeErrors.fail("contracts.impossible_usage", { message, details: { contractId, publicBytes, before: before.publicBytes, most } });
  }
  usages.put(state, contractId, { contractId, publicBytes, unbilledBytes: before.unbilledBytes + grown, reportedAtMs: block.timeMs });
}

const BYTES_PER_GB = 1_000_000_000n;

/** Dearer on certified nodes like all that they sell, and as the farm asks for traffic. Rounded down to a whole unit, once a bill. */
export function usageUnits(pricing: Pricing, use: { readonly bytes: number; readonly certified: boolean; readonly trafficPercent: number }): bigint {
  const percent = (100n + (use.certified ? BigInt(pricing.certifiedPercent) : 0n)) * BigInt(use.trafficPercent);
  const micro = BigInt(use.bytes) * BigInt(pricing.nuMicroUsdPerGb) * UNITS_PER_TFT * percent;
  return micro / (10_000n * BYTES_PER_GB * BigInt(pricing.tftPriceMicroUsd));
}

export const unbilledBytes = (state: StateReader, id: ContractId): number => usages.get(state, id)?.unbilledBytes ?? 0;
