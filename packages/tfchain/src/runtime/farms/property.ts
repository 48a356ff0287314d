/** What a farmer owns and may change: addresses, the account that is paid, the farm itself. */
import { type AccountId, type FarmId, type TwinId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Farm, LIMITS, accountId, twinId as twinIdSchema } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import type { CallContext, CallOf } from "../context.ts";
import { nodesByFarm } from "../nodes/store.ts";
import { requireCertifier } from "../policy/offices.ts";
import { table } from "../store/table.ts";
import { actingTwin, requireTwin } from "../twins/store.ts";
import { changeTies } from "../twins/ties.ts";
import { checkPublicIp, sameHost } from "./ip.ts";
import { farmIdByName, farms, requireFarm, requireOwnFarm } from "./store.ts";

export const farmOffers = table<FarmId, TwinId>({ prefix: "farm-offer", schema: twinIdSchema });
export const payouts = table<FarmId, AccountId>({ prefix: "farm-payout", schema: accountId });

/** Who gets what the farm earns: the account it named, or its twin's. */
export const payoutOf = (state: StateReader, farm: Farm): AccountId => payouts.get(state, farm.id) ?? requireTwin(state, farm.twinId).account;

export function addIp(context: CallContext, { farmId, ip, gateway }: CallOf<"farms.add_ip">): void {
  const farm = requireOwnFarm(context, farmId);
  const wrong = checkPublicIp(ip, gateway);
  if (wrong !== undefined) throw runtimeErrors.fail("farms.bad_ip", { message: `${wrong}.`, details: { ip, gateway } });
  if (farm.publicIps.some((row) => sameHost(row.ip, ip))) throw runtimeErrors.fail("farms.ip_exists", { details: { farmId, ip } });
  if (farm.publicIps.length >= LIMITS.publicIpsPerFarm) {
    throw runtimeErrors.fail("farms.too_many_ips", { details: { farmId, max: LIMITS.publicIpsPerFarm } });
  }
  store(context, { ...farm, publicIps: [...farm.publicIps, { ip, gateway, contractId: null }] });
}

export function removeIp(context: CallContext, { farmId, ip }: CallOf<"farms.remove_ip">): void {
  const farm = requireOwnFarm(context, farmId);
  const found = farm.publicIps.find((row) => sameHost(row.ip, ip));
  if (found === undefined) throw runtimeErrors.fail("farms.ip_not_found", { details: { farmId, ip } });
  if (found.contractId !== null) throw runtimeErrors.fail("farms.ip_in_use", { details: { farmId, ip, contractId: found.contractId } });
  store(context, { ...farm, publicIps: farm.publicIps.filter((row) => row !== found) });
}

export function setPayout(context: CallContext, { farmId, account }: CallOf<"farms.set_payout">): void {
  const farm = requireOwnFarm(context, farmId);
  if (account === null) payouts.delete(context.state, farmId);
  else payouts.put(context.state, farmId, account);
  store(context, farm);
}

export function certifyFarm(context: CallContext, { farmId, certification }: CallOf<"farms.certify">): void {
  requireCertifier(context);
  store(context, { ...requireFarm(context.state, farmId), certification });
}

export function deleteFarm(context: CallContext, { farmId }: CallOf<"farms.delete">): void {
  const { state, emit } = context;
  const farm = requireOwnFarm(context, farmId);
  const [nodeId] = nodesByFarm.ids(state, [farmId], { limit: 1 });
  if (nodeId !== undefined) throw runtimeErrors.fail("farms.has_nodes", { details: { farmId, nodeId } });
  farms.delete(state, farmId);
  farmIdByName.delete(state, farm.name);
  farmOffers.delete(state, farmId);
  payouts.delete(state, farmId);
  changeTies(state, [farm.twinId], "farms", -1);
  emit({ type: "farms.deleted", farmId });
}

export function offerFarm(context: CallContext, { farmId, to }: CallOf<"farms.offer">): void {
  const { state, emit } = context;
  requireOwnFarm(context, farmId);
  if (to === null) farmOffers.delete(state, farmId);
  else farmOffers.put(state, farmId, requireTwin(state, to).id);
  emit({ type: "farms.offered", farmId, to });
}

/** The new farmer gets the nodes with the farm; join tokens and the paid account of the old one end. */
export function acceptFarm(context: CallContext, { farmId }: CallOf<"farms.accept">): void {
  const { state, emit } = context;
  const farm = requireFarm(state, farmId);
  const twin = actingTwin(context);
  if (farmOffers.get(state, farmId) !== twin.id) throw runtimeErrors.fail("farms.not_offered", { details: { farmId, twinId: twin.id } });
  farmOffers.delete(state, farmId);
  payouts.delete(state, farmId);
  changeTies(state, [farm.twinId], "farms", -1);
  changeTies(state, [twin.id], "farms", 1);
  farms.put(state, farmId, { ...farm, twinId: twin.id });
  emit({ type: "farms.moved", farmId, fromTwinId: farm.twinId, toTwinId: twin.id });
}

function store({ state, emit }: CallContext, farm: Farm): void {
  farms.put(state, farm.id, farm);
  emit({ type: "farms.updated", farmId: farm.id });
}

export const readPayout = (state: StateReader, id: FarmId): AccountId | undefined => payouts.get(state, id);
