/** Deadlines that people have are put off by the time in which the chain itself stood still: nobody could act then. */
import type { StateReader } from "../api.ts";
import { stoodMs } from "./pulse.ts";

/** A deadline as it was set, and how long the chain had stood still until then. */
export interface Deadline {
  readonly untilMs: number;
  readonly stoodMs: number;
}

export const deadlineFrom = (state: StateReader, untilMs: number): Deadline => ({ untilMs, stoodMs: stoodMs(state) });
export const effectiveMs = (state: StateReader, deadline: Deadline): number => deadline.untilMs + stoodMs(state) - deadline.stoodMs;
