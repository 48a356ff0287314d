import { type Charter, type Policy, charter, policy } from "../../types/policy.ts";
import type { StateReader } from "../api.ts";
import { cell } from "../store/table.ts";
import { MAIN_POLICY, NO_CHARTER } from "./presets.ts";

export const policyCell = cell("meta/policy", policy);
export const charterCell = cell("meta/charter", charter);

/** A genesis that names none means the main network's. */
export const readPolicy = (state: StateReader): Policy => policyCell.get(state) ?? MAIN_POLICY;
export const readCharter = (state: StateReader): Charter => charterCell.get(state) ?? NO_CHARTER;
