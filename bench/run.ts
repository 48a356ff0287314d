/** `npm run bench [-- abci|chain|ledger-load|state|validators [arguments]]`: without a name, what a person feels (main.ts). */
import { spawnSync } from "node:child_process";
import { SERVER_FLAGS } from "../packages/tfchain/src/new-chain.ts";

const BENCHES = ["abci", "chain", "ledger-load", "state", "validators"] as const;

const name = BENCHES.find((bench) => bench === process.argv[2]);
// This one counts the processor time of its own process, so that has to be as a server's is.
if (name === "ledger-load" && !SERVER_FLAGS.every((flag) => process.execArgv.includes(flag))) {
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...SERVER_FLAGS, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exit(status ?? 1);
}
if (name !== undefined) process.argv.splice(2, 1);
await import(`./${name ?? "main"}.ts`);
