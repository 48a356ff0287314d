import { type Charter, type Policy, charter, givenPolicy } from "../../types/policy.ts";
import type { StateReader } from "../api.ts";
import { cell } from "../store/table.ts";
import { MAIN_POLICY, NO_CHARTER } from "./presets.ts";

export const policyCell = cell("meta/policy", givenPolicy);
export const charterCell = cell("meta/charter", charter);

/** A genesis that names none, or was written before a number existed, means the main network's. */
export function readPolicy(state: StateReader): Policy {
  const given = policyCell.get(state);
  if (given === undefined) return MAIN_POLICY;
  const { farmPricing = MAIN_POLICY.farmPricing, power = MAIN_POLICY.power } = given;
  return given.farmPricing === farmPricing && given.power === power ? (given as Policy) : { ...given, farmPricing, power };
}
export const readCharter = (state: StateReader): Charter => charterCell.get(state) ?? NO_CHARTER;
