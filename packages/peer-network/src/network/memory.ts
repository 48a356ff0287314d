/**
 * What an agent that restarts must still know, because the kernel goes on with it: granted forwards and paths in force. An agent
 * that forgot them would cut the traffic of others for as long as they do not ask again.
 */
import { type Infer, s } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { LINK_STATE_LIMITS, PATH_LIMITS as L } from "../limits.ts";

const port = s.uint({ min: 1, max: 65_535 });
const address = s.text({ minLength: 7, maxLength: 15, pattern: /^[0-9.]+$/ });
const network = { solutionId: chain.solutionId, network: chain.label };

export const networkMemory = s.struct({
  leases: s.list(
    s.struct({
      ...network,
      a: chain.nodeId,
      b: chain.nodeId,
      port,
      untilMs: s.uint(),
      forwards: s.list(s.struct({ listenPort: port, from: s.struct({ address }), to: s.struct({ address, port }) }), { max: 2 }),
    }),
    { max: L.maxForwards },
  ),
  paths: s.list(
    s.struct({
      ...network,
      peer: chain.nodeId,
      nodes: s.list(chain.nodeId, { min: 2, max: L.maxHops + 2 }),
      endpoint: s.nullable(s.struct({ address, port })),
    }),
    { max: LINK_STATE_LIMITS.maxNodes },
  ),
});
export type NetworkMemory = Infer<typeof networkMemory>;

/** Lives as long as the kernel's state does: until the machine starts anew. */
export interface MemoryStore {
  /** Undefined: nothing is remembered. */
  load(): Promise<NetworkMemory | undefined>;
  save(memory: NetworkMemory): Promise<void>;
}

export interface Recorder {
  readonly remembered: NetworkMemory;
  /** Something changed: saved soon, the newest state only. */
  changed(): void;
}

/** Saves follow each other; changes during one lead to one more. `failed` is told of those that did not work; the next change tries again. */
export function recorder(options: {
  readonly store: MemoryStore;
  readonly remembered: NetworkMemory;
  readonly current: () => NetworkMemory;
  readonly failed: (error: unknown) => void;
}): Recorder {
  const { store, current, failed } = options;
  let [saving, again] = [false, false];
  const save = async (): Promise<void> => {
    saving = true;
    do {
      again = false;
      await store.save(current()).catch(failed);
    } while (again);
    saving = false;
  };
  return {
    remembered: options.remembered,
    changed: () => {
      if (saving) again = true;
      else void save();
    },
  };
}
