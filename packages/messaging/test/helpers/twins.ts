/** Twins and methods that the tests share. */
import { generateKeyPair, type KeyPair, s, systemEntropy, type TwinId } from "@tfgrid/primitives";
import type { PeerTwin, RequestMethod, StreamMethod, TwinResolver } from "../../src/index.ts";

export interface TestTwin {
  readonly keyPair: KeyPair;
  readonly id: TwinId;
}

let next = 1;
export function newTwin(): TestTwin {
  return { keyPair: generateKeyPair(systemEntropy), id: next++ as TwinId };
}

/** A ledger of twins that tests can add to and take from. */
export function registry(): TwinResolver & { add(twin: TestTwin, relays: readonly string[]): void; remove(id: TwinId): void } {
  const twins = new Map<TwinId, PeerTwin>();
  return {
    add: (twin, relays) => void twins.set(twin.id, { id: twin.id, account: twin.keyPair.account, relays }),
    remove: (id) => void twins.delete(id),
    byId: async (id) => twins.get(id),
    byAccount: async (account) => [...twins.values()].find((twin) => twin.account === account),
  };
}

export const echo: RequestMethod<{ readonly text: string }, { readonly text: string; readonly from: number }> = {
  kind: "request",
  name: "test.echo",
  request: s.struct({ text: s.text({ maxLength: 2_000_000 }) }),
  answer: s.struct({ text: s.text({ maxLength: 2_000_000 }), from: s.uint() }),
};

export const count: StreamMethod<{ readonly to: number }, { readonly n: number }> = {
  kind: "stream",
  name: "test.count",
  request: s.struct({ to: s.uint() }),
  item: s.struct({ n: s.uint() }),
};
