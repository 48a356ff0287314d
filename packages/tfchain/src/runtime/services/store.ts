import type { ServiceId } from "../../types/ledger.ts";
import { type Service, service } from "../../types/ledger.ts";
import { runtimeErrors } from "../../errors.ts";
import type { StateReader } from "../api.ts";
import { table } from "../store/table.ts";

export const services = table<ServiceId, Service>({ prefix: "service", schema: service });

/** @throws GridError services.not_found, services.ended */
export function requireService(state: StateReader, id: ServiceId): Service {
  const row = services.get(state, id);
  if (row === undefined) throw runtimeErrors.fail("services.not_found", { message: `There is no service contract ${id}.`, details: { serviceId: id } });
  if (row.state === "ended") throw runtimeErrors.fail("services.ended", { details: { serviceId: id, cause: row.endedCause } });
  return row;
}
