/** Checked routes and their places in HAProxy. Pure. */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { GATEWAY_LIMITS as L } from "../limits.ts";
import type { GatewayBackend, GatewayRoute, RouteStatus } from "../types.ts";

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

/** No loopback inside a private network: the gateway would talk to what only the network's own services may reach. */
function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("0.") || address === "::" || /^::ffff:/i.test(address);
}

/** What is wrong with a backend, in words. */
function backendProblem({ address, port, namespace }: GatewayBackend): string | undefined {
  if (isIP(address) === 0) return `"${address}" is no IP address`;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `${port} is no port`;
  if (namespace === undefined) return undefined;
  if (!NAMESPACE.test(namespace)) return `"${namespace}" is no namespace name`;
  return isLoopback(address) ? "a loopback address in a private network" : undefined;
}

function headProblem({ host, checks }: GatewayRoute): string | undefined {
  if (!HOST.test(host)) return "the host is no lower-case DNS name";
  const path = checks?.type === "http" ? checks.path : "/";
  return CHECK_PATH.test(path) && !QUOTES.test(path) ? undefined : "the path of the health check";
}

/** The backends that can be served, each id once, and what is wrong with the others. */
function sortBackends({ backends }: GatewayRoute): { readonly good: readonly GatewayBackend[]; readonly problems: readonly string[] } {
  const good = new Map<string, GatewayBackend>();
  const problems: string[] = [];
  for (const backend of backends) {
    const problem = good.has(backend.id) ? "two backends have this id" : good.size >= L.maxBackendsPerRoute ? `more than ${L.maxBackendsPerRoute} backends` : backendProblem(backend);
    if (problem === undefined) good.set(backend.id, backend);
    else problems.push(`backend ${backend.id}: ${problem}`);
  }
  return { good: [...good.values()], problems };
}

export interface SortedRoutes {
  readonly good: readonly GatewayRoute[];
  /** Not served at all, and why. */
  readonly refused: readonly (RouteStatus & { readonly code: string })[];
  /** Backends that were left out of routes that are served. */
  readonly leftOut: readonly string[];
}

/**
 * Strangers share a gateway, and backends are what 3Nodes report: what cannot be served is left out and told, so that one
 * tenant's mistake or one node's lie holds up nobody else.
 */
export function sortRoutes(routes: readonly GatewayRoute[]): SortedRoutes {
  const good = new Map<string, GatewayRoute>();
  const refused: SortedRoutes["refused"][number][] = [];
  const leftOut: string[] = [];
  for (const route of routes) {
    const name = `route ${JSON.stringify(route.host)}`;
    const refuse = (code: "gateway.invalid_route" | "gateway.duplicate_host" | "gateway.too_many_routes", message: string): void =>
      void refused.push({ host: route.host, backends: 0, backendsTotal: route.backends.length, code, message });
    const backends = sortBackends(route);
    const problem = headProblem(route) ?? (backends.good.length === 0 ? backends.problems[0] : undefined);
    if (problem !== undefined) refuse("gateway.invalid_route", `${name}: ${problem}`);
    else if (good.has(route.host)) refuse("gateway.duplicate_host", `${route.host} has two routes`);
    else if (good.size >= L.maxRoutes) refuse("gateway.too_many_routes", `${routes.length} routes, at most ${L.maxRoutes}`);
    else {
      good.set(route.host, { ...route, backends: backends.good });
      leftOut.push(...backends.problems.map((entry) => `${name}: ${entry}`));
    }
  }
  return { good: [...good.values()], refused, leftOut };
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
