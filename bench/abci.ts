/**
 * `npm run bench -- abci [transactions] [--report]`: what one validator's ledger pays for a transaction that another server took in, by step
 * of its way through ABCI: processor time of all threads, with LMDB. CheckTx is given without the check of the signature,
 * which other threads make.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { silentLogger, utf8 } from "@tfgrid/primitives";
import { type Call, genesisHashOf, lmdbStorage, runtime as ledger, testing } from "@tfgrid/tfchain";
import { BlockStore } from "../packages/tfchain/src/engines/block-store.ts";
import { Application } from "../packages/tfchain/src/engines/cometbft/application.ts";
import { KnownTxs, verdictsOf } from "../packages/tfchain/src/engines/cometbft/known-txs.ts";
import * as abci from "../packages/tfchain/src/engines/cometbft/wire/index.ts";
import { sendersOf, signAll } from "./contracts.ts";
import { CHAIN_ID, benchGenesis, signTx } from "./ledger.ts";
import { report } from "./section.ts";

const [count = 10_000] = process.argv.slice(2).filter((argument) => /^\d+$/.test(argument)).map(Number);
const BLOCK_TXS = 500;
const SENDERS = 200;

type Value = Exclude<abci.Request["value"], { case: undefined }>;
/** As it comes from the socket. */
const framed = (value: Value): Uint8Array => toBinary(abci.RequestSchema, create(abci.RequestSchema, { value }));

const senders = sendersOf(SENDERS);
const genesis = benchGenesis(senders, { validators: [{ publicKey: testing.testKey("validator").account, power: 1 }] });
const genesisHash = genesisHashOf(ledger.genesisToJson(genesis), "cometbft");
const folder = mkdtempSync(join(tmpdir(), "tfgrid-bench-abci-"));
const storage = lmdbStorage(folder);
const runtime = ledger.createRuntime();
const known = new KnownTxs({ runtime });
const retainedBlocks = 100_000;
const app = new Application({ storage, runtime, blocks: new BlockStore(storage, retainedBlocks), known, chainId: CHAIN_ID, genesis, genesisHash, start: { height: 0, timeMs: 0 }, retainedBlocks, logger: silentLogger });

async function ask(bytes: Uint8Array): Promise<void> {
  const { value } = fromBinary(abci.RequestSchema, bytes);
  const step = await app.begin(value as Value);
  toBinary(abci.ResponseSchema, create(abci.ResponseSchema, { value: step() }));
}

const spentUs = new Map<string, number>();
async function during(what: string, work: () => Promise<unknown>): Promise<void> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  spentUs.set(what, (spentUs.get(what) ?? 0) + user + system);
}

const transfer: Call = { type: "accounts.transfer", to: testing.testKey("sink").account, amountUnits: 1n };
const load = signAll(transfer, senders, count);

async function block(height: number, txs: Uint8Array[]): Promise<void> {
  const at = { height: BigInt(height), time: { seconds: 1_700_000_000n + BigInt(height), nanos: 0 }, hash: new Uint8Array(32).fill(height) };
  const checks = (type: abci.CheckTxType): Uint8Array[] => txs.map((tx) => framed({ case: "checkTx", value: create(abci.RequestCheckTxSchema, { tx, type }) }));
  const [fresh, again] = [checks(abci.CheckTxType.NEW), checks(abci.CheckTxType.RECHECK)];
  const proposal = framed({ case: "processProposal", value: create(abci.RequestProcessProposalSchema, { txs, ...at }) });
  const decided = framed({ case: "finalizeBlock", value: create(abci.RequestFinalizeBlockSchema, { txs, ...at }) });
  await during("decoding and signature", async () => verdictsOf(known, txs));
  await during("CheckTx beside the signature", () => Promise.all(fresh.map(ask)));
  await during("recheck of one that waits", () => Promise.all(again.map(ask)));
  await during("ProcessProposal", () => ask(proposal));
  await during("FinalizeBlock", () => ask(decided));
  await during("Commit, flushed to the disk", () => ask(framed({ case: "commit", value: create(abci.RequestCommitSchema) })));
}

try {
  await ask(framed({ case: "initChain", value: create(abci.RequestInitChainSchema, { chainId: CHAIN_ID, appStateBytes: utf8(JSON.stringify({ genesisHash })), initialHeight: 1n }) }));
  // The load's numbers begin at 1.
  await block(1, senders.map((one) => signTx(one, [transfer])));
  spentUs.clear();
  for (let from = 0, height = 2; from < count; from += BLOCK_TXS, height += 1) await block(height, load.slice(from, from + BLOCK_TXS));
  const perTx = [...spentUs].map(([what, us]) => [`${what}, us of processor time`, Math.round((10 * us) / count) / 10] as const);
  report({ name: "abci", figures: { transactions: count, ...Object.fromEntries(perTx) } });
} finally {
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
}
