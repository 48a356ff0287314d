import type { PageOptions } from "../../types/client.ts";
import { RUNTIME_LIMITS } from "../limits.ts";

/** What was asked for, within what one answer may carry. */
export function paging(page: PageOptions = {}): { readonly limit: number; readonly after?: number } {
  const { limit = RUNTIME_LIMITS.rowsPerPageDefault, after } = page;
  const bounded = Math.max(0, Math.min(limit, RUNTIME_LIMITS.rowsPerPage));
  return after === undefined ? { limit: bounded } : { limit: bounded, after };
}
