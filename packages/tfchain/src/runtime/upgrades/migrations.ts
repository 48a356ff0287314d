/**
 * The upgrades that this program knows, oldest first. Each leads from the version before to its own; a released one is never
 * changed again, because every program that replays the chain carries it out.
 */
import type { Context } from "../context.ts";

export interface Migration {
  /** Leads from `to - 1` to `to`. */
  readonly to: number;
  /** The first release of the program that knows it. */
  readonly release: string;
  /** What changes, in one sentence for operators. */
  readonly summary: string;
  /**
   * At most `rows` rows of work, a function of state and block alone. `after`: what the step before returned, null at first.
   * Returns where to go on in the next block, or undefined when all is done.
   */
  readonly step: (context: Context, after: string | null, rows: number) => string | undefined;
}

/** None yet: the ledger is at version 1. */
export const MIGRATIONS: readonly Migration[] = [];

/** The common migration: every row under a prefix, changed in key order. `change` answers undefined for rows that stay. */
export function rewriteRows(prefix: string, change: (key: string, value: Uint8Array, context: Context) => Uint8Array | undefined): Migration["step"] {
  return (context, after, rows) => {
    // The byte after a key that no key goes on with: ranges include their beginning.
    const gte = after === null ? `${prefix}/` : `${after}\0`;
    const page = [...context.state.range({ gte, lt: `${prefix}0`, limit: rows })];
    for (const [key, value] of page) {
      const next = change(key, value, context);
      if (next !== undefined) context.state.set(key, next);
    }
    return page.length < rows ? undefined : page.at(-1)?.[0];
  };
}
