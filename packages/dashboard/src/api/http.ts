/** Reads of the explorer, bounded in time, with its own coded errors. */
import { GridError, type WireError } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import { DASHBOARD_LIMITS as L } from "../limits.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export function pathOf(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([key, value]) => (value === undefined || value === "" ? [] : [[key, String(value)]]));
  const text = new URLSearchParams(given).toString();
  return `/api${path}${text === "" ? "" : `?${text}`}`;
}

const isWireError = (value: unknown): value is WireError =>
  typeof value === "object" && value !== null && "code" in value && "message" in value && "cure" in value;

async function answer(url: string, signal: AbortSignal | undefined): Promise<Response> {
  const timeout = AbortSignal.timeout(L.readTimeoutMs);
  try {
    return await fetch(url, { headers: { accept: "application/json" }, signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]) });
  } catch (cause) {
    signal?.throwIfAborted();
    throw fail("dashboard.explorer_unreachable", { cause });
  }
}

/** @throws GridError the explorer's own, dashboard.explorer_unreachable, dashboard.bad_answer */
export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await answer(url, signal);
  let body: unknown;
  try {
    body = await response.json();
  } catch (cause) {
    throw fail("dashboard.bad_answer", { message: `${url} answered ${response.status} without JSON.`, cause });
  }
  if (isWireError(body)) throw GridError.fromWire(body);
  if (!response.ok) throw fail("dashboard.bad_answer", { message: `${url} answered ${response.status}.` });
  // One program, one release: the explorer that serves the page also serves this answer.
  return body as T;
}
