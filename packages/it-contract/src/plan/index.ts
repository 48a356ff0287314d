export { nameCostPerHour, partCostPerHour } from "./cost.ts";
export { describePlan } from "./describe.ts";
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
} from "./types.ts";
