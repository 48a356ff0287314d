/** A chain on a disk that fills up and is emptied again: run by `full-disk.test.ts` on a small disk of its own, given as argument. */
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesToHex, encode, isGridError } from "@tfgrid/primitives";
import { chain as types, runtime, startChain, testing } from "../../src/index.ts";
import { httpTransport } from "../../src/client/transport.ts";

const disk = process.argv[2] as string;
const dataDir = join(disk, "data");
const filler = join(disk, "filler");
const authority = testing.testKey("authority");
const sender = testing.testKey("sender");
const accounts = [{ id: sender.account, freeUnits: 10n ** 15n }];
const genesis = runtime.defaultGenesis({ chainId: "full-disk", foundation: authority.account, validatorsPool: testing.testKey("v").account, accounts });
const logs: string[] = [];
const full = Promise.withResolvers<"waits">();
function log(message: string): void {
  logs.push(message);
  if (message === "the chain waits for space on its disk") full.resolve("waits");
}
const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };

const start = () => startChain({ dataDir, genesis, authority, blockIntervalMs: 1, logger, onFatal: (error) => report({ fatal: String(error) }) });
let chain = await start();
let transport = httpTransport(chain.endpoints.rpc);

function report(value: Record<string, unknown>): never {
  process.stdout.write(`${JSON.stringify(value)}\n`);
  process.exit(0);
}

async function send(nonce: number): Promise<string> {
  const calls = Array.from({ length: 200 }, (_, index) => ({ type: "accounts.transfer" as const, to: testing.testKey(`${nonce}/${index}`).account, amountUnits: 1n }));
  const body = { chainId: "full-disk", signer: sender.account, nonce, expiresAtHeight: 1_000_000 as never, calls };
  const tx = encode(types.signedTransaction, { body, signature: sender.sign("tfgrid/tx/v1", encode(types.transactionBody, body)) });
  return (await transport.call("tx.submit", { tx: bytesToHex(tx) })).hash;
}

const freeBytes = (): number => {
  const { bavail, bsize } = statfsSync(disk);
  return bavail * bsize;
};

const acknowledged: string[] = [await send(0)];
writeFileSync(filler, new Uint8Array(freeBytes() - 1_500_000));

// The last one waits for space; the one after it is refused at once.
let waiting: Promise<string> | undefined;
let sentCount = 1;
for (; waiting === undefined && sentCount < 500; sentCount += 1) {
  const sent = send(sentCount);
  const outcome = await Promise.race([sent, full.promise]);
  if (outcome === "waits") waiting = sent;
  else acknowledged.push(outcome);
}
const refused = await send(sentCount).then(
  () => undefined,
  (error: unknown) => {
    if (!isGridError(error)) throw error;
    return error;
  },
);
const { height, appHash } = chain.engine.head();
const readable = chain.engine.state.proveAt(height, "nothing").root === appHash;

rmSync(filler);
if (waiting !== undefined) acknowledged.push(await waiting);
const heightAfter = chain.engine.head().height;
await chain.stop();

chain = await start();
transport = httpTransport(chain.endpoints.rpc);
const found = await Promise.all(acknowledged.map((hash) => transport.call("tx.get", { hash: hash as never })));
const { nonce } = await transport.call("account", { id: sender.account });
await chain.stop();
report({
  acknowledged: acknowledged.length,
  found: found.filter((result) => result?.ok).length,
  nonce,
  refused: refused?.toWire(),
  waited: waiting !== undefined,
  readable,
  grew: heightAfter > height,
  logs,
});
