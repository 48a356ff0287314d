/** What a route's owner is told. Pure. */
import type { ServerState } from "./core/answers.ts";
import type { Section } from "./core/desired.ts";
import { catalogue } from "./errors.ts";
import type { RouteStatus } from "./types.ts";

export function routeStatus(section: Section, states: ReadonlyMap<string, ServerState> | undefined): RouteStatus {
  const { route, slots, name } = section;
  const placed = slots.filter(({ backend }) => backend !== undefined);
  const healthy = placed.filter((slot) => {
    const state = states?.get(`${name}/${slot.name}`);
    return state !== undefined && state.up && !state.maintenance;
  }).length;
  const base = { host: route.host, backends: healthy, backendsTotal: route.backends.length };
  const say = (code: keyof typeof catalogue): RouteStatus => ({ ...base, code, message: catalogue[code].summary });
  if (states === undefined) return say("gateway.socket_failed");
  if (healthy > 0) return base;
  if (route.backends.length === 0) return say("gateway.no_backends_yet");
  return say(placed.length === 0 ? "gateway.namespace_missing" : "gateway.no_backend");
}

export const statusOf = (sections: readonly Section[], states: ReadonlyMap<string, ServerState> | undefined): readonly RouteStatus[] =>
  sections.map((section) => routeStatus(section, states));
