/**
 * A contract between two twins about work outside the grid's own resources: a base fee by time and a variable fee within an
 * agreed bound, billed by the service, paid from what the consumer prepaid. All of it goes to the service.
 */
import type { TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { Service, ServiceId } from "../../types/ledger.ts";
import { credit, creditHeld, debit, debitHeld, release } from "../accounts/store.ts";
import type { CallContext, CallOf, Handlers } from "../context.ts";
import { MS_PER_HOUR } from "../limits.ts";
import { nextId } from "../params/store.ts";
import { actingTwin, requireTwin } from "../twins/store.ts";
import { requireTerms } from "../twins/terms.ts";
import { changeTies } from "../twins/ties.ts";
import { requireService, services } from "./store.ts";

export const servicesCalls: Handlers<"services"> = {
  "services.create": create,
  "services.update": update,
  "services.approve": approve,
  "services.deposit": (context, { serviceId, amountUnits }) => {
    const { state, signer } = context;
    const row = requireService(state, serviceId);
    debit(state, signer, amountUnits);
    creditHeld(state, requireTwin(state, row.consumerTwinId).account, amountUnits);
    services.put(state, serviceId, { ...row, escrowUnits: row.escrowUnits + amountUnits });
  },
  "services.bill": bill,
  "services.cancel": (context, { serviceId }) => {
    const row = requireService(context.state, serviceId);
    const twinId = requireParty(context, row);
    // The time since the last bill is paid for; a variable part that was not billed is not.
    const paid = row.state === "agreed" ? pay(context, row, baseFee(row, windowMs(context, row)), 0n) : row;
    end(context, paid, twinId === row.serviceTwinId ? "canceled_by_service" : "canceled_by_consumer");
  },
};

function requireParty(context: CallContext, row: Service): TwinId {
  const { id } = actingTwin(context);
  if (id === row.serviceTwinId || id === row.consumerTwinId) return id;
  throw runtimeErrors.fail("services.not_a_party", { details: { serviceId: row.id, twinId: id } });
}

function requireServiceSide(context: CallContext, row: Service): void {
  const { id } = actingTwin(context);
  if (id !== row.serviceTwinId) throw runtimeErrors.fail("services.service_only", { details: { serviceId: row.id, twinId: id } });
}

function create(context: CallContext, call: CallOf<"services.create">): void {
  const { state, block, emit } = context;
  const { serviceTwinId, consumerTwinId, baseUnitsPerHour, variableUnitsPerHour, metadata } = call;
  const actor = actingTwin(context);
  requireTerms(state, actor.id);
  requireTwin(state, serviceTwinId);
  requireTwin(state, consumerTwinId);
  const id = nextId<ServiceId>(state, "service");
  const row: Service = {
    id,
    serviceTwinId,
    consumerTwinId,
    baseUnitsPerHour,
    variableUnitsPerHour,
    metadata,
    version: 1,
    approvedBy: [],
    state: "created",
    endedCause: null,
    escrowUnits: 0n,
    billedUnits: 0n,
    billedToMs: block.timeMs,
    createdAtMs: block.timeMs,
  };
  requireParty(context, row);
  if (serviceTwinId === consumerTwinId) throw runtimeErrors.fail("services.same_party", { details: { twinId: serviceTwinId } });
  services.put(state, id, row);
  changeTies(state, [serviceTwinId, consumerTwinId], "services", 1);
  emit({ type: "services.created", serviceId: id, serviceTwinId, consumerTwinId });
}

/** New fees need both signatures again: nobody is bound to what he has not seen. */
function update(context: CallContext, call: CallOf<"services.update">): void {
  const { state, emit } = context;
  const row = requireService(state, call.serviceId);
  requireServiceSide(context, row);
  if (row.state !== "created") throw runtimeErrors.fail("services.already_agreed", { details: { serviceId: row.id } });
  const { baseUnitsPerHour, variableUnitsPerHour, metadata } = call;
  const version = row.version + 1;
  services.put(state, row.id, { ...row, baseUnitsPerHour, variableUnitsPerHour, metadata, version, approvedBy: [] });
  emit({ type: "services.updated", serviceId: row.id, version });
}

function approve(context: CallContext, { serviceId, version }: CallOf<"services.approve">): void {
  const { state, block, emit } = context;
  const row = requireService(state, serviceId);
  const twinId = requireParty(context, row);
  if (row.state !== "created") throw runtimeErrors.fail("services.already_agreed", { details: { serviceId } });
  if (row.version !== version) throw runtimeErrors.fail("services.stale_version", { details: { serviceId, version: row.version, approvedVersion: version } });
  const approvedBy = [...new Set([...row.approvedBy, twinId])].sort((a, b) => a - b);
  const agreed = approvedBy.length === 2;
  services.put(state, serviceId, { ...row, approvedBy, state: agreed ? "agreed" : "created", billedToMs: agreed ? block.timeMs : row.billedToMs });
  if (agreed) emit({ type: "services.agreed", serviceId });
}

/** Time that a bill may cover: at most an hour, so that a sleeping service cannot present a month at once. */
const windowMs = ({ block }: CallContext, row: Service): number => Math.min(block.timeMs - row.billedToMs, MS_PER_HOUR);
/** Both rounded down to a whole unit, in the consumer's favour. */
const perWindow = (unitsPerHour: bigint, ms: number): bigint => (unitsPerHour * BigInt(ms)) / BigInt(MS_PER_HOUR);
const baseFee = (row: Service, ms: number): bigint => perWindow(row.baseUnitsPerHour, ms);

function bill(context: CallContext, { serviceId, variableUnits }: CallOf<"services.bill">): void {
  const row = requireService(context.state, serviceId);
  requireServiceSide(context, row);
  if (row.state !== "agreed") throw runtimeErrors.fail("services.not_agreed", { details: { serviceId } });
  const ms = windowMs(context, row);
  const most = perWindow(row.variableUnitsPerHour, ms);
  if (variableUnits > most) {
    const message = `At most ${most} units may be billed beside the base fee for ${ms} ms, not ${variableUnits}.`;
    throw runtimeErrors.fail("services.variable_too_high", { message, details: { serviceId, mostUnits: most.toString(), windowMs: ms } });
  }
  const base = baseFee(row, ms);
  const paid = pay(context, row, base, variableUnits);
  // What is there is paid and the contract ends: a bill that cannot be paid must not leave everything as it was.
  if (paid.billedUnits - row.billedUnits < base + variableUnits) end(context, paid, "out_of_funds");
}

function pay(context: CallContext, row: Service, baseUnits: bigint, variableUnits: bigint): Service {
  const { state, block, emit } = context;
  const due = baseUnits + variableUnits;
  const amountUnits = due <= row.escrowUnits ? due : row.escrowUnits;
  debitHeld(state, requireTwin(state, row.consumerTwinId).account, amountUnits);
  credit(state, requireTwin(state, row.serviceTwinId).account, amountUnits);
  const next: Service = { ...row, escrowUnits: row.escrowUnits - amountUnits, billedUnits: row.billedUnits + amountUnits, billedToMs: block.timeMs };
  services.put(state, row.id, next);
  emit({ type: "services.billed", serviceId: row.id, baseUnits, variableUnits, amountUnits, fromMs: row.billedToMs, toMs: block.timeMs });
  return next;
}

function end({ state, emit }: CallContext, row: Service, cause: string): void {
  release(state, requireTwin(state, row.consumerTwinId).account, row.escrowUnits);
  services.put(state, row.id, { ...row, escrowUnits: 0n, state: "ended", endedCause: cause });
  changeTies(state, [row.serviceTwinId, row.consumerTwinId], "services", -1);
  emit({ type: "services.ended", serviceId: row.id, cause, refundedUnits: row.escrowUnits });
}
