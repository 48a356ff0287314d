import type { FarmId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import { type Farm, farm, farmId } from "../../types/entities.ts";
import type { StateReader } from "../api.ts";
import type { CallContext } from "../context.ts";
import { table } from "../store/table.ts";
import { actingTwin } from "../twins/store.ts";

export const farms = table<FarmId, Farm>({ prefix: "farm", schema: farm });
export const farmIdByName = table<string, FarmId>({ prefix: "farm-by-name", schema: farmId });

/** @throws GridError farms.not_found */
export function requireFarm(state: StateReader, id: FarmId): Farm {
  const row = farms.get(state, id);
  if (row === undefined) throw runtimeErrors.fail("farms.not_found", { message: `There is no farm ${id}.`, details: { farmId: id } });
  return row;
}

/** The farm, when its owner is the one who acts. @throws GridError farms.not_owner */
export function requireOwnFarm(context: CallContext, id: FarmId): Farm {
  const row = requireFarm(context.state, id);
  const twin = actingTwin(context);
  if (row.twinId !== twin.id) {
    throw runtimeErrors.fail("farms.not_owner", {
      message: `Farm ${id} belongs to twin ${row.twinId}, not to twin ${twin.id}.`,
      details: { farmId: id, ownerTwinId: row.twinId, twinId: twin.id },
    });
  }
  return row;
}
