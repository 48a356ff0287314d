import type { Resources } from "@tfgrid/primitives";
import type { NodeContract } from "../../types/entities.ts";

/** What a contract keeps others from using: all of it, or its disks alone while it is in grace (see `hold.ts`). */
export const heldResources = ({ state, resources }: Pick<NodeContract, "state" | "resources">): Resources =>
  state === "grace" ? { ...resources, cpuMilli: 0, memoryBytes: 0 } : resources;
