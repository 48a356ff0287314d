/** Where a node keeps things, all from its machine's name and its data folder; the agent and the teardown must agree. */
import { join } from "node:path";

export interface Places {
  readonly cgroupParent: string;
  readonly computeDir: string;
  readonly computeRunDir: string;
  readonly volumeDir: string;
  readonly volumeMountDir: string;
  readonly networkDir: string;
  readonly gatewayDir: string;
  readonly gatewayNetns: string;
}

/** Mounted volumes lie in no folder that anything else ever removes as a whole. */
export function placesOf({ machine, dataDir }: { readonly machine: string; readonly dataDir: string }): Places {
  return {
    cgroupParent: `/tfgrid/${machine}`,
    computeDir: join(dataDir, "compute"),
    computeRunDir: `/run/tfgrid-compute/${machine}`,
    volumeDir: join(dataDir, "volumes"),
    volumeMountDir: `/run/tfgrid-volumes/${machine}`,
    networkDir: join(dataDir, "network"),
    gatewayDir: join(dataDir, "gateway"),
    gatewayNetns: `${machine}-gw`,
  };
}
