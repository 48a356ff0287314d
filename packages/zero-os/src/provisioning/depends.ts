/** `depends_on` over node borders: local zmachines by what we see, others by their nodes' reports on the ledger. */
import type { ZmachineSpec } from "@tfgrid/notary";
import type { SolutionId } from "@tfgrid/primitives";
import type { ZmachineState } from "./model.ts";

export interface ServiceState {
  readonly solutionId: SolutionId;
  readonly service: string;
  readonly state: ZmachineState;
}

const STARTED: readonly ZmachineState[] = ["running", "healthy", "unhealthy", "exited"];

/**
 * One replica is enough for started and healthy: a lost node must not keep the rest of the solution from starting.
 * A job is complete when every known replica ended well.
 */
export function unmetDependency(
  spec: ZmachineSpec,
  solutionId: SolutionId,
  states: readonly ServiceState[],
): ZmachineSpec["dependsOn"][number] | undefined {
  return spec.dependsOn.find(({ service, condition }) => {
    const replicas = states.filter((entry) => entry.solutionId === solutionId && entry.service === service).map(({ state }) => state);
    return !MET[condition](replicas);
  });
}

const MET: Readonly<Record<ZmachineSpec["dependsOn"][number]["condition"], (replicas: readonly ZmachineState[]) => boolean>> = {
  service_started: (replicas) => replicas.some((state) => STARTED.includes(state)),
  service_healthy: (replicas) => replicas.includes("healthy"),
  service_completed_successfully: (replicas) => replicas.length > 0 && replicas.every((state) => state === "exited"),
};
