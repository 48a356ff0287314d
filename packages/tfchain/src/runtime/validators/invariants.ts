import type { World } from "../module.ts";
import { wrongWithSet } from "./change.ts";
import { misbehaviourIds, misbehaviours, readValidatorSet, validatorAddressOf, validatorKeys } from "./store.ts";

/** Once there are validators there always are some, within bounds, and each can be found by its address. */
export function* validatorsHold({ state }: World): Iterable<string> {
  const { validators, version } = readValidatorSet(state);
  const wrong = validators.length === 0 && version === 0 ? undefined : wrongWithSet(validators);
  if (wrong !== undefined) yield `the validators are wrong: ${wrong}`;
  for (const { publicKey } of validators) {
    if (validatorKeys.get(state, validatorAddressOf(publicKey)) !== publicKey) yield `validator ${publicKey} is not found by its address`;
  }
  for (const { id, address, height, kind } of misbehaviours.all(state)) {
    if (misbehaviourIds.get(state, `${address}/${height}/${kind}`) !== id) yield `offence ${id} is recorded under another name`;
  }
}
