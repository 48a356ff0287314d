/** What the real cometbft asks, and in which order: at a first start, at a second one, and of a ledger that lost everything. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Hex, silentLogger } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlockStore } from "../../src/engines/block-store.ts";
import { Application } from "../../src/engines/cometbft/application.ts";
import { cometHome, writeHome } from "../../src/engines/cometbft/home.ts";
import { KnownTxs } from "../../src/engines/cometbft/known-txs.ts";
import { startCometProcess } from "../../src/engines/cometbft/process.ts";
import { CometRpc } from "../../src/engines/cometbft/rpc.ts";
import { startAbciServer } from "../../src/engines/cometbft/server.ts";
import { changeValidators } from "../../src/runtime/validators/change.ts";
import { ensureCometBft, genesisHashOf, light, memoryStorage, runtime as ledger, testing } from "../../src/index.ts";
import { AbciGrammar } from "../support/abci-grammar.ts";
import { freePort } from "../support/comet-program.ts";

const CHAIN_ID = "grammar-chain";
const usual = ledger.createRuntime();
const validator = testing.testKey("grammar validator");
const genesis = ledger.defaultGenesis({
  chainId: CHAIN_ID,
  foundation: testing.testKey("foundation").account,
  validatorsPool: testing.testKey("pool").account,
  accounts: [],
  validators: [{ publicKey: validator.account, power: 1 }],
});
const genesisHash = genesisHashOf(ledger.genesisToJson(genesis), "cometbft");

let folder: string;
let home: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-grammar-"));
  home = join(folder, "home");
  const settings = { p2pListen: `tcp://127.0.0.1:${await freePort()}`, peers: [], pace: { commitMs: 10, proposeMs: 500, voteMs: 200, idleMs: 10 } };
  const node = { validatorSeed: validator.secretSeed, nodeSeed: testing.testKey("grammar node").secretSeed, settings };
  writeHome(home, cometHome({ genesis: { chainId: CHAIN_ID, genesisHash, timeMs: Date.now() - 60_000, validators: genesis.validators ?? [] }, ...node }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly grammar: AbciGrammar;
  readonly hashes: ReadonlyMap<number, Hex>;
  readonly head: number;
  /** Powers of those who made the last blocks. */
  readonly powers: readonly bigint[];
}

/** Runs cometbft on a ledger until it has committed this height. */
async function run(storage: ReturnType<typeof memoryStorage>, until: number, runtime: ledger.Runtime = usual): Promise<Run> {
  const blocks = new BlockStore(storage, 10_000);
  const app = new Application({ storage, runtime, blocks, known: new KnownTxs({ runtime }), chainId: CHAIN_ID, genesis, genesisHash, start: { height: 0, timeMs: 0 }, retainedBlocks: 10_000, logger: silentLogger });
  const grammar = new AbciGrammar();
  const hashes = new Map<number, Hex>();
  const failures: unknown[] = [];
  const reached = Promise.withResolvers<void>();
  const fail = (error: unknown): void => {
    failures.push(error);
    reached.resolve();
  };
  app.listen({
    onCommit: ({ head }) => {
      hashes.set(head.height, head.appHash);
      if (head.height >= until) reached.resolve();
    },
    onRefused: () => undefined,
    takeHeaders: () => [],
  });
  const begin: Application["begin"] = (request) => {
    grammar.expect(request);
    return app.begin(request);
  };
  const abci = { kind: "unix", path: join(folder, "abci.sock") } as const;
  const rpc = { kind: "unix", path: join(folder, "rpc.sock") } as const;
  const server = await startAbciServer({ handler: { begin }, listen: abci, logger: silentLogger, onFatal: fail });
  const comet = await startCometProcess({ binary: await ensureCometBft(), home, abci, rpc, logger: silentLogger, onExit: fail });
  let powers: readonly bigint[] = [];
  try {
    await reached.promise;
    expect(failures).toEqual([]);
    expect(server.connections()).toBe(4);
    // Each block is signed by the validator that the genesis names, and carries the hash of the state before it.
    const client = new CometRpc(rpc);
    const [commit] = await client.commits([until - 1]);
    const validators = await client.validators(until - 1);
    client.close();
    powers = light.cometHeaderFromRpc({ commit, validators }).validators.map(({ power }) => power);
    expect(JSON.stringify(commit)).toContain((hashes.get(until - 2) ?? "").toUpperCase());
  } finally {
    await comet.stop();
    await server.stop();
  }
  return { grammar, hashes, head: app.head.height, powers };
}

describe("cometbft's calls", () => {
  test("follow the specification's grammar, when it begins, goes on, and replays for a ledger that lost everything", async () => {
    const storage = memoryStorage();
    const first = await run(storage, 6);
    expect([first.grammar.count("info"), first.grammar.count("initChain")]).toEqual([1, 1]);
    for (const kind of ["prepareProposal", "processProposal", "finalizeBlock", "commit"] as const) expect(first.grammar.count(kind)).toBeGreaterThanOrEqual(6);
    expect(first.grammar.count("extendVote") + first.grammar.count("verifyVoteExtension")).toBe(0);

    const second = await run(storage, first.head + 4);
    expect([second.grammar.count("info"), second.grammar.count("initChain")]).toEqual([1, 0]);
    expect(Math.min(...second.hashes.keys())).toBeGreaterThanOrEqual(first.head);

    const replayed = await run(memoryStorage(), second.head + 3);
    expect([replayed.grammar.count("info"), replayed.grammar.count("initChain")]).toEqual([1, 1]);
    expect(Math.min(...replayed.hashes.keys())).toBe(1);
    expect(replayed.powers).toEqual([1n]);
    for (const [height, hash] of [...first.hashes, ...second.hashes]) expect([height, replayed.hashes.get(height)]).toEqual([height, hash]);
  });

  test("change the set of validators as the ledger wants it, and the chain goes on", async () => {
    const absent = { publicKey: testing.testKey("absent validator").account, power: 4 };
    const beginBlock: ledger.Runtime["beginBlock"] = (state, block) => {
      // Less than a third is away: the others go on without it.
      if (block.height === 3) changeValidators(state, [{ publicKey: validator.account, power: 10 }, absent], block.height);
      return usual.beginBlock(state, block);
    };
    const changed = await run(memoryStorage(), 8, { ...usual, beginBlock });
    expect(changed.powers).toEqual([10n, 4n]);
  });
});
