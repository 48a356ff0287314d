/** What `killed-chain.ts` and the test that kills it agree on. */
import { runtime, testing } from "../../src/index.ts";

const senders = ["k1", "k2", "k3", "k4"] as const;
const authority = testing.testKey("authority");
const chainId = "killed";
const genesis = runtime.defaultGenesis({
  chainId,
  foundation: testing.testKey("foundation").account,
  validatorsPool: testing.testKey("pool").account,
  accounts: senders.map((name) => ({ id: testing.testKey(name).account, freeUnits: 10n ** 13n })),
});

/** Chunks so small that a snapshot has many. */
export const KILLED = { chainId, genesis, authority, senders, chunkBytes: 2_000 } as const;
