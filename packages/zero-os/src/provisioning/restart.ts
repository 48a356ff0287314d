/** What to do with a zmachine that ended: start it again (when), or leave it ended (as what). */
import { nodeErrors } from "../errors.ts";
import { NODE_LIMITS } from "../limits.ts";
import type { ZmachineStatus } from "../ports.ts";
import type { DesiredZmachine, Fault, ZmachineMemory } from "./model.ts";

export type ExitDecision =
  | { readonly type: "restart"; readonly atMs: number; readonly counted: boolean; readonly fault?: Fault }
  | { readonly type: "final"; readonly state: "exited" | "failed"; readonly fault?: Fault };

export function faultOf(code: keyof typeof nodeErrors.catalogue, message?: string): Fault {
  return { code, message: (message ?? nodeErrors.catalogue[code].summary).slice(0, 500) };
}

export const NO_MEMORY: ZmachineMemory = { restarts: 0, attempts: 0 };

export function decideExit(zmachine: DesiredZmachine, status: ZmachineStatus, memory: ZmachineMemory): ExitDecision {
  const { restart } = zmachine.spec;
  const halted = memory.halt?.runMs === status.startedAtMs ? memory.halt.reason : undefined;
  const endedMs = memory.exit?.runMs === status.startedAtMs ? memory.exit.seenMs : status.startedAtMs;
  // Ended by us for the time of a pause or of a replacement that is no longer wanted: it did nothing wrong.
  if (halted !== undefined && halted !== "unhealthy") return { type: "restart", atMs: 0, counted: false };
  // No exit code: the machine itself went down under it. Coming back is no restart by policy.
  if (status.exitCode === undefined && halted === undefined) return { type: "restart", atMs: 0, counted: false };

  const failed = halted === "unhealthy" || status.oomKilled === true || status.exitCode !== 0;
  const fault = failed ? exitFault(status, memory, halted === "unhealthy") : undefined;
  const wanted = restart.condition === "any" || (restart.condition === "on-failure" && failed);
  if (!wanted) return fault === undefined ? { type: "final", state: "exited" } : { type: "final", state: "failed", fault };

  const attempts = attemptsSoFar(zmachine, status, memory);
  if (restart.maxAttempts > 0 && attempts >= restart.maxAttempts) {
    const last = fault === undefined ? "" : ` Last: ${fault.message}`;
    return { type: "final", state: "failed", fault: faultOf("node.restarts_exhausted", `Ended ${attempts + 1} times.${last}`) };
  }
  const floor = Math.min(NODE_LIMITS.crashLoopBaseMs * 2 ** Math.min(attempts, 16), NODE_LIMITS.crashLoopCapMs);
  return { type: "restart", atMs: endedMs + Math.max(restart.delayMs, floor), counted: true, ...(fault === undefined ? {} : { fault }) };
}

/** A run that lasted longer than the window was a success: counting begins anew. */
export function attemptsSoFar(zmachine: DesiredZmachine, status: ZmachineStatus, memory: ZmachineMemory): number {
  const endedMs = memory.exit?.runMs === status.startedAtMs ? memory.exit.seenMs : status.startedAtMs;
  const ranMs = endedMs - status.startedAtMs;
  const window = Math.max(zmachine.spec.restart.windowMs, NODE_LIMITS.crashLoopCapMs);
  return ranMs >= window ? 0 : memory.attempts;
}

function exitFault(status: ZmachineStatus, memory: ZmachineMemory, unhealthy: boolean): Fault {
  if (unhealthy) return faultOf("node.unhealthy", `Ended because its health check failed: ${memory.health?.output ?? ""}`);
  if (status.oomKilled === true) return faultOf("node.out_of_memory");
  return faultOf("node.zmachine_exited", `Ended with exit code ${status.exitCode ?? "unknown"}.`);
}
