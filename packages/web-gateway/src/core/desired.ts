/** Checked routes and their places in HAProxy. Pure. */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { fail } from "../errors.ts";
import { GATEWAY_LIMITS as L } from "../limits.ts";
import type { GatewayBackend, GatewayRoute } from "../types.ts";

export interface Slot {
  /** HAProxy's server name: `s1`, or `n2s1` where a route reaches into several networks. */
  readonly name: string;
  readonly namespace: string | undefined;
  /** Undefined: a spare place. */
  readonly backend: GatewayBackend | undefined;
}

export interface Section {
  /** HAProxy's backend name: made from the host alone, so that it outlives every change of the route. */
  readonly name: string;
  readonly route: GatewayRoute;
  readonly slots: readonly Slot[];
}

/** Everything that goes into HAProxy's configuration comes through here: no quote, blank or line end can be in it. */
const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;
const CHECK_PATH = /^\/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]{0,1023}$/;
const QUOTES = /['"\\#]/;

const invalid = (route: GatewayRoute, message: string) =>
  fail("gateway.invalid_route", { message: `route ${JSON.stringify(route.host)}: ${message}`, details: { host: route.host } });

/** No loopback inside a private network: the gateway would talk to what only the network's own services may reach. */
function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("0.") || address === "::" || /^::ffff:/i.test(address);
}

function checkBackend(route: GatewayRoute, backend: GatewayBackend): void {
  const { id, address, port, namespace } = backend;
  if (isIP(address) === 0) throw invalid(route, `backend ${id}: "${address}" is no IP address`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid(route, `backend ${id}: ${port} is no port`);
  if (namespace === undefined) return;
  if (!NAMESPACE.test(namespace)) throw invalid(route, `backend ${id}: "${namespace}" is no namespace name`);
  if (isLoopback(address)) throw invalid(route, `backend ${id}: a loopback address in a private network`);
}

/** @throws GridError gateway.invalid_route, gateway.duplicate_host, gateway.too_many_routes */
export function checkRoutes(routes: readonly GatewayRoute[]): void {
  if (routes.length > L.maxRoutes) throw fail("gateway.too_many_routes", { message: `${routes.length} routes, at most ${L.maxRoutes}` });
  const hosts = new Set<string>();
  for (const route of routes) {
    if (!HOST.test(route.host)) throw invalid(route, "the host is no lower-case DNS name");
    if (hosts.has(route.host))
      throw fail("gateway.duplicate_host", { message: `${route.host} has two routes`, details: { host: route.host } });
    hosts.add(route.host);
    if (route.backends.length > L.maxBackendsPerRoute) throw invalid(route, `more than ${L.maxBackendsPerRoute} backends`);
    if (new Set(route.backends.map(({ id }) => id)).size !== route.backends.length) throw invalid(route, "two backends have the same id");
    for (const backend of route.backends) checkBackend(route, backend);
    const path = route.checks?.type === "http" ? route.checks.path : "/";
    if (!CHECK_PATH.test(path) || QUOTES.test(path)) throw invalid(route, "the path of the health check");
  }
}

export const sectionName = (host: string): string => `r_${createHash("sha256").update(host).digest("hex").slice(0, 20)}`;

/** Enough places for the backends and room to grow: 4, 8, 16, ... so that only a doubling needs a reload. */
export function slotCount(backends: number): number {
  let count: number = L.minSlots;
  while (count < backends) count *= 2;
  return count;
}

/** Places in one network: who has one keeps it, new ones take free places, so that a change touches only what changes. */
function placeGroup(
  namespace: string | undefined,
  options: { readonly prefix: string; readonly wanted: readonly GatewayBackend[]; readonly before: readonly Slot[] },
): Slot[] {
  const { prefix, wanted, before } = options;
  const had = before.filter((slot) => slot.namespace === namespace && slot.name.startsWith(`${prefix}s`));
  const count = Math.max(slotCount(wanted.length), had.length);
  const byId = new Map(wanted.map((backend) => [backend.id, backend]));
  const slots: (GatewayBackend | undefined)[] = Array.from({ length: count }, (_none, index) => {
    const id = had[index]?.backend?.id;
    const kept = id === undefined ? undefined : byId.get(id);
    if (kept !== undefined) byId.delete(kept.id);
    return kept;
  });
  for (const backend of byId.values()) slots[slots.indexOf(undefined)] = backend;
  return slots.map((backend, index) => ({ name: `${prefix}s${index + 1}`, namespace, backend }));
}

/** The networks that a route's places are in: a network once given stays (with spare places) while it exists. */
export function placeRoute(route: GatewayRoute, before: readonly Slot[], exists: (namespace: string) => boolean): Slot[] {
  const usable = route.backends.filter(({ namespace }) => namespace === undefined || exists(namespace));
  const namespaces: (string | undefined)[] = [];
  for (const { namespace } of [...before, ...usable]) {
    if (!namespaces.includes(namespace) && (namespace === undefined || exists(namespace))) namespaces.push(namespace);
  }
  const names = namespaces.length === 0 ? [undefined] : namespaces;
  const needed = names.length === 1 ? names : names.filter((name) => usable.some(({ namespace }) => namespace === name));
  return (needed.length === 0 ? names.slice(0, 1) : needed).flatMap((namespace) =>
    placeGroup(namespace, {
      prefix: namespace === undefined ? "" : `n${createHash("sha256").update(namespace).digest("hex").slice(0, 8)}`,
      wanted: usable.filter((backend) => backend.namespace === namespace),
      before,
    }),
  );
}

export function placeRoutes(
  routes: readonly GatewayRoute[],
  before: readonly Section[],
  exists: (namespace: string) => boolean,
): readonly Section[] {
  const known = new Map(before.map((section) => [section.name, section.slots]));
  return routes
    .toSorted((a, b) => (a.host < b.host ? -1 : 1))
    .map((route) => {
      const name = sectionName(route.host);
      return { name, route, slots: placeRoute(route, known.get(name) ?? [], exists) };
    });
}

export function namespacesOf(sections: readonly Section[]): readonly string[] {
  const names = sections.flatMap(({ slots }) => slots.map(({ namespace }) => namespace)).filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}
