export { nameCostPerHour, partCostPerHour } from "./cost.ts";
export { currentNames, currentParts, type Part } from "./current.ts";
export { describePlan, planError } from "./describe.ts";
export { readRents, readReputation } from "./merit.ts";
export { plan } from "./plan.ts";
export type {
  CurrentName,
  CurrentPart,
  CurrentZmachine,
  Plan,
  PlanInput,
  PlannedName,
  PlannedPart,
  PlannedZmachine,
  PlanNote,
  PlanResult,
  Progress,
  Rent,
} from "./types.ts";
