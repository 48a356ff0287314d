/** A notary as a process of its own, to be killed: twins come on the command line, nothing else is on its chain. */
import { silentLogger } from "@tfgrid/primitives";
import { startNotary } from "../../src/index.ts";
import { FakeChain } from "./fake-chain.ts";

const [dataDir = "", port = "0", twins = "[]"] = process.argv.slice(2);
const chain = new FakeChain();
for (const twin of JSON.parse(twins) as Parameters<FakeChain["twins"]["set"]>[1][]) chain.twins.set(twin.id, twin);
const notary = await startNotary({ dataDir, host: "127.0.0.1", port: Number(port), chain: chain.reader(), logger: silentLogger });
process.stdout.write(`${JSON.stringify(notary.endpoints)}\n`);
