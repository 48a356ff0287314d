/**
 * A node that its farmer lets sleep has not failed: the time counts as proven (for rewards and reputation, not for bills and not
 * for votes) when it slept no longer than `policy.power.maxSleepMs` and was heard within `wakeMs` after it was wanted on. While
 * it sleeps the time counts on credit; when it oversleeps the count falls back, and what was credited before is made up for
 * before anything new counts.
 */
import type { StateReader } from "../api.ts";
import type { Context } from "../context.ts";
import { readPolicy } from "../policy/store.ts";
import { stoodMs } from "./pulse.ts";
import type { Life, Moment, Sleep } from "./store.ts";

export const momentOf = ({ state, block }: Context): Moment => ({ atMs: block.timeMs, stoodMs: stoodMs(state) });

/** Time in which the chain ran: a machine cannot be heard, nor its farmer, while it stands still. */
const since = ({ atMs, stoodMs: stoodBefore }: Moment, nowMs: number, stoodNow: number): number => Math.max(0, nowMs - atMs - (stoodNow - stoodBefore));

function creditMs(state: StateReader, { since: began, wanted }: Sleep, nowMs: number): number {
  const { maxSleepMs, wakeMs } = readPolicy(state).power;
  const stood = stoodMs(state);
  const sleptMs = since(began, nowMs, stood);
  const late = wanted !== null && since(wanted, nowMs, stood) > wakeMs;
  return late || sleptMs > maxSleepMs ? 0 : sleptMs;
}

/** All time asleep that counts as proven at this moment. */
export const provenSleepMs = (state: StateReader, { sleep, sleptMs = 0 }: Life, nowMs: number): number =>
  sleptMs + (sleep === undefined ? 0 : creditMs(state, sleep, nowMs));

/** The sleep is over. */
export function wakeLife(state: StateReader, life: Life, nowMs: number): Life {
  const { sleep, ...awake } = life;
  return sleep === undefined ? life : { ...awake, sleptMs: provenSleepMs(state, life, nowMs) };
}
