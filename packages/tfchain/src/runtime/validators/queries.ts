import type { StateQueries, StateReader } from "../api.ts";
import { paging } from "../store/paging.ts";
import { misbehaviours, readValidatorSet } from "./store.ts";

export const validatorsQueries = (state: StateReader): Pick<StateQueries, "validatorSet" | "misbehaviours"> => ({
  validatorSet: () => readValidatorSet(state),
  misbehaviours: (page) => misbehaviours.list(state, paging(page)),
});
