/** A storage of a process that dies at one of its writes. */
import type { Storage } from "../../src/state/index.ts";

export class Crash extends Error {}

export interface CrashPlan {
  /** Number of the write or clearing, counted from 0. */
  readonly at: number;
  /** Nothing of it is kept, or all of it is: a driver keeps no half. */
  readonly when: "before" | "after";
}

export function crashing(storage: Storage, { at, when }: CrashPlan): Storage {
  let writes = -1;
  let dead = false;
  const alive = (): void => {
    if (dead) throw new Crash("a dead process does nothing");
  };
  const change = (apply: () => void): void => {
    alive();
    writes += 1;
    dead = writes === at;
    if (!dead || when === "after") apply();
    if (dead) throw new Crash(`crash ${when} write ${at}`);
  };
  return {
    ...storage,
    get: (...args) => {
      alive();
      return storage.get(...args);
    },
    range: (...args) => {
      alive();
      return storage.range(...args);
    },
    write: (ops) => change(() => storage.write(ops)),
    clear: (tables) => change(() => storage.clear(tables)),
  };
}
