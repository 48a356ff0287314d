/** A ledger that works as fast as it can until it is killed: run by `storage-kill.test.ts` on a folder given as argument. */
import { writeSync } from "node:fs";
import { join } from "node:path";
import { encode, silentLogger, systemClock } from "@tfgrid/primitives";
import { chain as types, genesisHashOf, lmdbStorage, runtime, solo, testing } from "../../src/index.ts";
import { openSnapshots, snapshotFiles } from "../../src/state/index.ts";
import { KILLED } from "./killed-genesis.ts";

const folder = process.argv[2] as string;
const { chainId, genesis, authority, senders, chunkBytes } = KILLED;
const storage = lmdbStorage(join(folder, "db"));
const engine = solo({
  storage,
  runtime: runtime.createRuntime(),
  chainId,
  genesis,
  genesisHash: genesisHashOf(runtime.genesisToJson(genesis), authority.account),
  authority,
  clock: systemClock,
  logger: silentLogger,
  blockIntervalMs: 1,
  onFatal: (error) => {
    throw error;
  },
});
const snapshots = openSnapshots({ files: snapshotFiles(join(folder, "snapshots")), storage, state: engine.state, chainId, logger: silentLogger, chunkBytes });
engine.onBlock(({ head }) => {
  if (head.height % 5 === 0) void takeOne();
});

async function takeOne(): Promise<void> {
  const info = await snapshots.take();
  if (info !== undefined) writeSync(1, `snapshot ${info.hash}\n`);
}

async function work(name: string): Promise<never> {
  const key = testing.testKey(name);
  let { nonce } = runtime.queries(engine.state).account(key.account);
  for (;;) {
    const to = testing.testKey(`${name} ${nonce % 50}`).account;
    const body = { chainId, signer: key.account, nonce, expiresAtHeight: 1_000_000 as never, calls: [{ type: "accounts.transfer" as const, to, amountUnits: 1n }] };
    const tx = encode(types.signedTransaction, { body, signature: key.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) });
    const { hash } = await engine.submit(tx);
    // Synchronous: what is written here was acknowledged before anything else happened.
    writeSync(1, `${hash}\n`);
    nonce += 1;
  }
}

await Promise.all(senders.map(work));
