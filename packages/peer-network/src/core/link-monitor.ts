/** What is known of one link from its probes: a damped delay, loss, and whether it lives. Pure: time comes in as arguments. */
import { LINK_STATE_LIMITS, PROBE_LIMITS as L } from "../limits.ts";

/** Samples looked at: two seconds of them. */
const WINDOW = 8;
/**
 * A busy processor adds to a measured delay and never takes away: the lower quarter is what the line itself takes, and one
 * lucky sample does not decide.
 */
const QUANTILE = 0.25;
/** Weight of a new quantile in the running mean. */
const WEIGHT = 0.3;
/** Samples in a row that must all be late before the link counts as changed. */
const CHANGE_SAMPLES = 2;
/** Probes over which loss is counted. */
const LOSS_WINDOW = 50;

export interface LinkMonitor {
  readonly alive: boolean;
  /** Looked at for long enough to say whether it lives: answered, or silent for as long as a dead one. */
  readonly settled: boolean;
  /** Alive, well known and as it was: it need not be watched closely. */
  readonly steady: boolean;
  readonly delayUs: number;
  readonly lossPermille: number;
  /** Dead for so long that it need not be watched closely either. */
  readonly silent: boolean;
  /** A probe was answered after this time. */
  answered(delayUs: number): void;
  /** A probe was not answered in time. */
  lost(): void;
}

export function linkMonitor(): LinkMonitor {
  const samples: number[] = [];
  const outcomes: boolean[] = [];
  let mean: number | undefined;
  let lostInRow = 0;
  const count = (outcome: boolean): void => {
    outcomes.push(outcome);
    if (outcomes.length > LOSS_WINDOW) outcomes.shift();
  };
  return {
    get alive() {
      return mean !== undefined && lostInRow < L.lostProbesUntilDead;
    },
    get settled() {
      return mean !== undefined || lostInRow >= L.lostProbesUntilDead;
    },
    get steady() {
      if (mean === undefined || lostInRow > 0 || samples.length < WINDOW) return false;
      const low = samples.toSorted((a, b) => a - b)[0] as number;
      const last = Math.min(...samples.slice(-CHANGE_SAMPLES));
      // A busy processor makes single samples late; a way that changed makes all of them late.
      return last - mean <= Math.max(L.steadyUs, mean) && mean - low <= Math.max(L.steadyUs, mean / 2);
    },
    get silent() {
      return lostInRow >= LOSS_WINDOW;
    },
    get delayUs() {
      return Math.min(Math.round(mean ?? LINK_STATE_LIMITS.maxDelayUs), LINK_STATE_LIMITS.maxDelayUs);
    },
    get lossPermille() {
      const lost = outcomes.filter((outcome) => !outcome).length;
      return outcomes.length === 0 ? 1000 : Math.round((1000 * lost) / outcomes.length);
    },
    answered: (delayUs) => {
      // A link that comes back may have another delay: its past does not count.
      if (lostInRow >= L.lostProbesUntilDead) {
        samples.length = 0;
        outcomes.length = 0;
        mean = undefined;
      }
      lostInRow = 0;
      count(true);
      samples.push(delayUs);
      if (samples.length > WINDOW) samples.shift();
      const sorted = samples.toSorted((a, b) => a - b);
      const quiet = sorted[Math.floor(sorted.length * QUANTILE)] as number;
      mean = mean === undefined ? quiet : mean + WEIGHT * (quiet - mean);
    },
    lost: () => {
      lostInRow += 1;
      count(false);
    },
  };
}
