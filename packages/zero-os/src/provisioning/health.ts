/** Health checks as arithmetic: when to probe next, and what an answer means. */
import type { ZmachineSpec } from "@tfgrid/notary";
import { NODE_LIMITS } from "../limits.ts";
import type { HealthMemory } from "./model.ts";

export type Healthcheck = NonNullable<ZmachineSpec["healthcheck"]>;

export function freshHealth(runMs: number, nowMs: number): HealthMemory {
  return { runMs, state: "starting", failures: 0, probes: 0, nextProbeMs: nowMs, output: "" };
}

/**
 * Failures count only after the start period. Docker makes its first probe after one interval; we probe at once and
 * often, to know early that a zmachine serves, so the first interval is never held against it either.
 */
export function startUpEndsMs(check: Healthcheck, runMs: number): number {
  return runMs + Math.max(check.startPeriodMs, check.intervalMs);
}

export function afterProbe(options: {
  readonly health: HealthMemory;
  readonly check: Healthcheck;
  readonly healthy: boolean;
  readonly output: string;
  readonly nowMs: number;
}): HealthMemory {
  const { health, check, healthy, nowMs } = options;
  // The answer that made it unhealthy stays: reports must not change with every further one.
  const output = health.state === "unhealthy" ? health.output : options.output.slice(0, 300);
  const probes = health.probes + 1;
  if (healthy) {
    return { ...health, state: "healthy", failures: 0, probes, output: "", nextProbeMs: nowMs + check.intervalMs };
  }
  const startingUp = health.state === "starting" && nowMs < startUpEndsMs(check, health.runMs);
  if (startingUp) {
    const most = check.startIntervalMs > 0 ? Math.min(check.startIntervalMs, check.intervalMs) : check.intervalMs;
    const delay = Math.min(NODE_LIMITS.probeFirstMs * 2 ** Math.min(health.probes, 16), most);
    return { ...health, failures: 0, probes, output, nextProbeMs: nowMs + Math.max(delay, 1) };
  }
  const failures = health.failures + 1;
  const state = failures >= check.retries ? "unhealthy" : health.state;
  return { ...health, state, failures, probes, output, nextProbeMs: nowMs + check.intervalMs };
}
