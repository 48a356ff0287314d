/** How a method of the RPC is described. */
import { type Schema, s } from "@tfgrid/primitives";

export interface Method<P extends s.Fields, R> {
  readonly summary: string;
  readonly params: s.StructSchema<P>;
  readonly result: Schema<R>;
}

export function method<P extends s.Fields, R>(summary: string, params: P, result: Schema<R>): Method<P, R> {
  return { summary, params: s.struct(params), result };
}

/** Rows that one answer may carry: what the runtime's queries are bounded to. */
const ROWS = 1_000;
export const rows = <T>(item: Schema<T>): Schema<readonly T[]> => s.list(item, { max: ROWS });
export const page = { after: s.optional(s.uint()), limit: s.optional(s.uint({ min: 1, max: ROWS })) };
