/** Entities of the ledger's modules beside twins, farms, nodes, contracts and solutions. */
import { type Brand, type Infer, s } from "@tfgrid/primitives";
import * as e from "./entities.ts";

/** Money that a twin has locked by its own will; it gives a discount on all that the twin spends until it unlocks. */
export const stake = s.struct({
  twinId: e.twinId,
  amountUnits: s.units(),
  /** Index into `policy.stake.levels`. */
  level: s.uint({ max: 7 }),
  sinceMs: e.timeMs,
  unlocksAtMs: e.timeMs,
});
export type Stake = Infer<typeof stake>;

/** What a twin's stake is worth now. */
export const discount = s.struct({ percent: s.uint({ max: 100 }), spendPerHourUnits: s.units() });
export type Discount = Infer<typeof discount>;

export const supply = s.struct({ genesisUnits: s.units(), mintedUnits: s.units(), burnedUnits: s.units(), totalUnits: s.units() });
export type Supply = Infer<typeof supply>;

export const acceptedTerms = s.struct({ twinId: e.twinId, version: s.uint({ min: 1 }), document: s.cid, atMs: e.timeMs });
export type AcceptedTerms = Infer<typeof acceptedTerms>;

/** Public traffic of a contract, by its node's counter. */
export const usage = s.struct({ contractId: e.contractId, publicBytes: s.uint(), unbilledBytes: s.uint(), reportedAtMs: e.timeMs });
export type Usage = Infer<typeof usage>;

export type ServiceId = Brand<number, "ServiceId">;
export const serviceId = s.as<ServiceId>(s.uint({ min: 1 }));
export const serviceMetadata = s.text({ maxLength: 256 });
/** Two twins about work outside the grid's own resources: base fee by time, variable fee within a bound. */
export const service = s.struct({
  id: serviceId,
  /** Works and is paid. */
  serviceTwinId: e.twinId,
  /** Prepays. */
  consumerTwinId: e.twinId,
  baseUnitsPerHour: s.units(),
  /** Most that may be billed beside the base fee. */
  variableUnitsPerHour: s.units(),
  metadata: serviceMetadata,
  /** Grows with every change of the fees; approvals count for one version. */
  version: s.uint({ min: 1 }),
  approvedBy: s.list(e.twinId, { max: 2 }),
  state: s.oneOf(["created", "agreed", "ended"]),
  /** `canceled_by_service`, `canceled_by_consumer`, `out_of_funds`. */
  endedCause: s.nullable(e.code),
  escrowUnits: s.units(),
  billedUnits: s.units(),
  billedToMs: e.timeMs,
  createdAtMs: e.timeMs,
});
export type Service = Infer<typeof service>;

/** A transaction costs (base + perByte x bytes) x multiplier / 1,000, rounded up. */
export const feeView = s.struct({ baseUnits: s.units(), perByteUnits: s.units(), multiplierPermille: s.uint() });
export type FeeView = Infer<typeof feeView>;

/** One feeder's last word on the price of TFT. */
export const feed = s.struct({ account: e.accountId, tftPriceMicroUsd: s.uint({ min: 1, max: 1_000_000_000 }), atMs: e.timeMs });
export type Feed = Infer<typeof feed>;
export const priceView = s.struct({
  tftPriceMicroUsd: s.uint(),
  movedAtMs: e.timeMs,
  medianAtMs: e.timeMs,
  stale: s.bool,
  feeds: s.list(feed, { max: 64 }),
});
export type PriceView = Infer<typeof priceView>;
