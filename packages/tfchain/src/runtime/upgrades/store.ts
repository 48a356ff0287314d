/** Which version of the ledger's rules and rows a state follows. A state that names none is of version 1. */
import { type Infer, s } from "@tfgrid/primitives";
import { osRelease } from "../../types/policy.ts";
import type { StateReader } from "../api.ts";
import { cell } from "../store/table.ts";

const version = s.uint({ min: 1 });

export const stateVersion = s.struct({
  version,
  /** The release that governance named with it: what an older program tells its operator to install. */
  release: s.optional(osRelease.fields.version),
  /** A migration that is spread over blocks: where it goes on. Meanwhile the ledger takes no transactions. */
  step: s.nullable(s.struct({ to: version, after: s.nullable(s.text({ maxLength: 1_024 })) })),
});
export type StateVersion = Infer<typeof stateVersion>;

export const stateVersionCell = cell("meta/state-version", stateVersion);

const FIRST: StateVersion = { version: 1, step: null };
export const readStateVersion = (state: StateReader): StateVersion => stateVersionCell.get(state) ?? FIRST;

/**
 * The gate of every rule that an upgrade changes: `since(state, 2) ? newRule : oldRule`. Blocks from before the upgrade are then
 * carried out as ever, so that a new program can replay the whole chain.
 */
export const since = (state: StateReader, wanted: number): boolean => readStateVersion(state).version >= wanted;
