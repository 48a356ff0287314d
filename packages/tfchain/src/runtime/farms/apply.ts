import type { FarmId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { StateReader } from "../api.ts";
import type { Handlers } from "../context.ts";
import { nextId } from "../params/store.ts";
import { actingTwin } from "../twins/store.ts";
import { requireTerms } from "../twins/terms.ts";
import { changeTies } from "../twins/ties.ts";
import { setPricing } from "./pricing.ts";
import { acceptFarm, addIp, certifyFarm, deleteFarm, offerFarm, removeIp, setPayout } from "./property.ts";
import { farmIdByName, farms, requireOwnFarm } from "./store.ts";

export const farmsCalls: Handlers<"farms"> = {
  "farms.create": (context, { name, dedicated }) => {
    const { state, block, emit } = context;
    const twin = actingTwin(context);
    requireTerms(state, twin.id);
    requireFreeName(state, name);
    const id = nextId<FarmId>(state, "farm");
    const row = { id, twinId: twin.id, name, dedicated, certification: "not_certified" as const, publicIps: [], createdAtMs: block.timeMs };
    farms.put(state, id, row);
    farmIdByName.put(state, name, id);
    changeTies(state, [twin.id], "farms", 1);
    emit({ type: "farms.created", farmId: id, twinId: twin.id, name });
  },
  "farms.update": (context, { farmId, name, dedicated }) => {
    const { state, emit } = context;
    const farm = requireOwnFarm(context, farmId);
    if (name !== farm.name) {
      requireFreeName(state, name);
      farmIdByName.delete(state, farm.name);
      farmIdByName.put(state, name, farmId);
    }
    farms.put(state, farmId, { ...farm, name, dedicated });
    emit({ type: "farms.updated", farmId });
  },
  "farms.add_ip": addIp,
  "farms.remove_ip": removeIp,
  "farms.set_payout": setPayout,
  "farms.set_pricing": setPricing,
  "farms.delete": deleteFarm,
  "farms.offer": offerFarm,
  "farms.accept": acceptFarm,
  "farms.certify": certifyFarm,
};

function requireFreeName(state: StateReader, name: string): void {
  const taken = farmIdByName.get(state, name);
  if (taken === undefined) return;
  throw runtimeErrors.fail("farms.name_taken", { message: `Farm ${taken} has the name ${name}.`, details: { name, farmId: taken } });
}
