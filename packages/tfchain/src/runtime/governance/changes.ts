/** What a proposal does: checked when it is made, and again when it is carried out. */
import { runtimeErrors } from "../../errors.ts";
import type { Change } from "../../types/governance.ts";
import type { Charter } from "../../types/policy.ts";
import type { Context } from "../context.ts";
import { charterCell, readCharter } from "../policy/store.ts";
import { overlay } from "../store/overlay.ts";
import { changeValidators, wrongWithSet } from "../validators/change.ts";
import { readStateVersion } from "../upgrades/store.ts";
import { requireConsistent, requireInRange } from "./parameters.ts";

/** @throws GridError governance.* */
export function checkChange(context: Pick<Context, "state" | "block">, change: Change): void {
  // Carried out on a copy that is thrown away.
  carryOutChange({ ...context, state: overlay(context.state) }, change);
}

/** @throws GridError governance.* */
export function carryOutChange({ state, block }: Pick<Context, "state" | "block">, change: Change): void {
  if (change.type === "parameter") {
    requireInRange(state, change.name, change.value).write(state, change.value);
    requireConsistent(state);
    return;
  }
  if (change.type === "validators") {
    const wrong = wrongWithSet(change.validators);
    if (wrong !== undefined) throw invalid(wrong);
    changeValidators(state, change.validators, block.height);
    return;
  }
  const now: Now = { height: block.height, stateVersion: readStateVersion(state).version };
  charterCell.put(state, { ...readCharter(state), ...charterPart(readCharter(state), now, change) });
}

interface Now {
  readonly height: number;
  readonly stateVersion: number;
}

function charterPart(charter: Charter, { height, stateVersion }: Now, change: Exclude<Change, { type: "parameter" | "validators" }>): Partial<Charter> {
  switch (change.type) {
    case "certifiers":
      return { certifiers: distinct(change.accounts) };
    case "feeders":
      return { feeders: distinct(change.accounts) };
    case "os_release":
      return { osRelease: { version: change.version, document: change.document } };
    case "terms": {
      const current = charter.terms?.version ?? 0;
      if (change.version <= current) throw invalid(`version ${current} of the terms is in force`);
      return { terms: { version: change.version, document: change.document } };
    }
    case "upgrade":
      if (change.atHeight <= height) throw invalid(`height ${change.atHeight} has passed`);
      if (change.stateVersion <= stateVersion) throw invalid(`the ledger follows state version ${stateVersion} already`);
      return { upgrade: withoutType(change) };
    default:
      return change satisfies never;
  }
}

const withoutType = <T extends { readonly type: string }>({ type: _type, ...rest }: T): Omit<T, "type"> => rest;

function distinct<T>(rows: readonly T[]): readonly T[] {
  if (new Set(rows).size !== rows.length) throw invalid("one is listed twice");
  return rows;
}

const invalid = (why: string): ReturnType<typeof runtimeErrors.fail> => runtimeErrors.fail("governance.bad_change", { message: `Refused: ${why}.` });
