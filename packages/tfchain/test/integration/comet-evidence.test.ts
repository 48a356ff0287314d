/** A validator whose key is used twice: the others prove it, and the ledger writes it down, the same everywhere. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type KeyPair, silentLogger, systemClock } from "@tfgrid/primitives";
import { afterEach, describe, expect, test } from "vitest";
import { cometHome, nodeIdOf, writeHome } from "../../src/engines/cometbft/home.ts";
import { type Engine, cometbft } from "../../src/engines/index.ts";
import { ensureCometBft, genesisHashOf, light, memoryStorage, runtime as ledger, testing } from "../../src/index.ts";
import { freePort } from "../support/comet-program.ts";

const CHAIN_ID = "evidence-chain";
const runtime = ledger.createRuntime();
const KEYS = ["e1", "e2", "e3", "e4"].map((name) => testing.testKey(name));
const [, , , culprit] = KEYS as [KeyPair, KeyPair, KeyPair, KeyPair];
const genesis = ledger.defaultGenesis({
  chainId: CHAIN_ID,
  foundation: testing.testKey("foundation").account,
  validatorsPool: testing.testKey("pool").account,
  accounts: [],
  validators: KEYS.map(({ account }) => ({ publicKey: account, power: 10 })),
});
const genesisHash = genesisHashOf(ledger.genesisToJson(genesis), "cometbft");
const timeMs = Date.now() - 60_000;

interface Seat {
  readonly name: string;
  readonly key: KeyPair;
  readonly port: number;
}
const nodeSeed = ({ name }: Seat): Uint8Array => testing.testKey(`node of ${name}`).secretSeed;

const folder = mkdtempSync(join(tmpdir(), "tfgrid-evidence-"));
const engines: Engine[] = [];
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function sit(seat: Seat, all: readonly Seat[], failures: unknown[]): Promise<Engine> {
  const home = join(folder, seat.name);
  const peers = all.filter(({ name }) => name !== seat.name).map((other) => `${nodeIdOf(nodeSeed(other))}@127.0.0.1:${other.port}`);
  const settings = { p2pListen: `tcp://127.0.0.1:${seat.port}`, peers, pace: { commitMs: 50, proposeMs: 500, voteMs: 250, idleMs: 50 } };
  writeHome(home, cometHome({ genesis: { chainId: CHAIN_ID, genesisHash, timeMs, validators: genesis.validators ?? [] }, validatorSeed: seat.key.secretSeed, nodeSeed: nodeSeed(seat), settings }));
  const common = { runtime, chainId: CHAIN_ID, genesis, genesisHash, clock: systemClock, logger: silentLogger };
  const engine = await cometbft({ ...common, storage: memoryStorage(), home, binary: await ensureCometBft(), snapshots: { folder: join(home, "snapshots") }, onFatal: (error) => void failures.push(error) });
  engines.push(engine);
  return engine;
}

describe("a validator that signs twice", () => {
  test("is recorded on every ledger, once for each height, and blocks go on", async () => {
    const seats: Seat[] = [];
    for (const [index, key] of [...KEYS, culprit].entries()) seats.push({ name: `s${index}`, key, port: await freePort() });
    const failures: unknown[] = [];
    const [first, second, third] = (await Promise.all(seats.map((seat) => sit(seat, seats, failures)))) as [Engine, Engine, Engine];
    const recorded = (engine: Engine) => runtime.queries(engine.state).misbehaviours();
    await expect.poll(() => recorded(first).length, { interval: 100 }).toBeGreaterThan(0);
    const [offence] = recorded(first);
    expect(offence).toMatchObject({ kind: "duplicate_vote", publicKey: culprit.account, address: light.addressOf(culprit.account), power: 10, totalPower: 40 });
    const at = offence?.recordedAtHeight ?? 0;
    expect(at).toBeGreaterThan(offence?.height ?? at);
    await expect.poll(() => Math.min(...[first, second, third].map((engine) => engine.head().height))).toBeGreaterThan(at + 1);
    const roots = [first, second, third].map((engine) => engine.state.rootAt(at));
    expect(new Set(roots).size).toBe(1);
    for (const engine of [second, third]) expect(recorded(engine)[0]).toEqual(offence);
    expect(failures).toEqual([]);
  });
});
