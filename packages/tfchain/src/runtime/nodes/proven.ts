import type { Node } from "../../types/entities.ts";
import type { Life } from "./store.ts";

/** Milliseconds for which heartbeats vouch since the node registered: nothing on credit. */
export const provenUpMs = (node: Node, life: Life): number => life.upMs + (node.up ? Math.max(0, node.lastHeartbeatMs - life.upSinceMs) : 0);
