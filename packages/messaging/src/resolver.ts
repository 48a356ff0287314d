/** Twins from the ledger with a small memory, so that a burst of requests is one look-up. */
import { type AccountId, type Clock, systemClock, type TwinId } from "@tfgrid/primitives";
import type { ChainReader } from "@tfgrid/tfchain";
import { MESSAGING_LIMITS } from "./limits.ts";
import type { PeerTwin, TwinResolver } from "./types.ts";

export type TwinSource = Pick<ChainReader, "twin" | "twinByAccount">;

interface Entry {
  readonly untilMs: number;
  readonly twin: Promise<PeerTwin | undefined>;
}

export function chainTwinResolver(chain: TwinSource, clock: Clock = systemClock): TwinResolver {
  const remember = cache(clock);
  return {
    byId: (twinId: TwinId) => remember(`id:${twinId}`, () => chain.twin(twinId)),
    byAccount: (account: AccountId) => remember(`account:${account}`, () => chain.twinByAccount(account)),
  };
}

type Load = () => Promise<PeerTwin | undefined>;

function cache(clock: Clock): (key: string, load: Load) => Promise<PeerTwin | undefined> {
  const entries = new Map<string, Entry>();
  const keep = (key: string, twin: Promise<PeerTwin | undefined>, forMs: number): void => {
    entries.delete(key);
    entries.set(key, { twin, untilMs: clock.nowMs() + forMs });
    if (entries.size > MESSAGING_LIMITS.resolverEntries) {
      const oldest = entries.keys().next();
      if (oldest.done !== true) entries.delete(oldest.value);
    }
  };
  return async (key, load) => {
    const known = entries.get(key);
    if (known !== undefined && known.untilMs > clock.nowMs()) return known.twin;
    const pending = load();
    keep(key, pending, MESSAGING_LIMITS.resolvedForMs);
    try {
      const twin = await pending;
      if (twin === undefined) keep(key, pending, MESSAGING_LIMITS.unresolvedForMs);
      return twin;
    } catch (error) {
      // A ledger that cannot be read now says nothing about the twin: ask again next time.
      entries.delete(key);
      throw error;
    }
  };
}
