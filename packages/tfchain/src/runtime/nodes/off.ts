/** Whether a node sleeps: asked by the ledger and by whoever plans with its answers. */
import type { Node } from "../../types/entities.ts";

export const isAsleep = ({ power }: Pick<Node, "power">): boolean => power?.state === "down";
/** Asleep or about to be: nothing is placed there. */
export const isOff = ({ power }: Pick<Node, "power">): boolean => power !== undefined && (power.state === "down" || power.target === "down");
