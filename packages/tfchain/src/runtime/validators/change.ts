/** The wanted set of validators changes as a whole: by the genesis, then by governance only. */
import { hexToBytes, isSmallOrder } from "@tfgrid/primitives";
import { height as heightSchema } from "../../types/entities.ts";
import { VALIDATOR_LIMITS, type Validator, type ValidatorSet } from "../../types/validators.ts";
import type { StateWriter } from "../api.ts";
import type { Context } from "../context.ts";
import { readValidatorSet, validatorAddressOf, validatorKeys, validatorSetCell } from "./store.ts";

const byKey = (a: Validator, b: Validator): number => (a.publicKey < b.publicKey ? -1 : 1);

/** What is wrong with a set, or undefined: never empty, each key once and one that can sign, power within bounds. */
export function wrongWithSet(validators: readonly Validator[]): string | undefined {
  if (validators.length === 0) return "nobody would make blocks";
  if (new Set(validators.map(({ publicKey }) => publicKey)).size !== validators.length) return "one is listed twice";
  const total = validators.reduce((sum, { power }) => sum + power, 0);
  if (total > VALIDATOR_LIMITS.totalPower) return `all validators together may have a power of ${VALIDATOR_LIMITS.totalPower}, not ${total}`;
  const unable = validators.find(({ publicKey }) => isSmallOrder(hexToBytes(publicKey)));
  return unable === undefined ? undefined : `${unable.publicKey} is no key that can sign`;
}

/** The caller asked `wrongWithSet`. */
export function storeValidators(state: StateWriter, validators: readonly Validator[], at: { readonly version: number; readonly height: number }): void {
  const set: ValidatorSet = { validators: validators.toSorted(byKey), version: at.version, decidedAtHeight: heightSchema.fromCbor(at.height) };
  validatorSetCell.put(state, set);
  for (const { publicKey } of validators) validatorKeys.put(state, validatorAddressOf(publicKey), publicKey);
}

export function changeValidators(state: StateWriter, validators: readonly Validator[], height: number): void {
  storeValidators(state, validators, { version: readValidatorSet(state).version + 1, height });
}

export function validatorsChanged({ state, emit }: Context): void {
  const { validators, version } = readValidatorSet(state);
  const totalPower = validators.reduce((sum, { power }) => sum + power, 0);
  emit({ type: "validators.changed", version, validators: validators.length, totalPower });
}

export interface ValidatorUpdate {
  readonly publicKey: Validator["publicKey"];
  /** 0: leaves the set. */
  readonly power: number;
}

/** What an engine must be told after a block; ascending by key, so that all engines tell the same. */
export function validatorUpdates(before: readonly Validator[], after: readonly Validator[]): readonly ValidatorUpdate[] {
  const powers = new Map(before.map(({ publicKey, power }) => [publicKey, power]));
  const wanted = new Set(after.map(({ publicKey }) => publicKey));
  const left = before.filter(({ publicKey }) => !wanted.has(publicKey)).map(({ publicKey }) => ({ publicKey, power: 0 }));
  return [...after.filter(({ publicKey, power }) => powers.get(publicKey) !== power), ...left].sort(byKey);
}
