/** Upgrades at a chosen height: the same on every machine, in both engines, through crashes; and never by a program that does not know them. */
import { type JsonValue, decodeTrusted, encode, silentLogger, systemClock } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { type RecordedChain, carryOutBlocks, genesisHashOf, replay, solo } from "../../src/engines/index.ts";
import { type Migration, createRuntime, defaultGenesis, exportGenesis, genesisStart, genesisToJson, readStateVersion, rewriteRows } from "../../src/runtime/index.ts";
import { checkChange } from "../../src/runtime/governance/changes.ts";
import { pricingCell, readPricing } from "../../src/runtime/pricing/store.ts";
import { createUpgrades } from "../../src/runtime/upgrades/apply.ts";
import { since } from "../../src/runtime/upgrades/store.ts";
import { type Storage, memoryStorage, openState } from "../../src/state/index.ts";
import { signedTransaction, transactionBody } from "../../src/types/calls.ts";
import { twin } from "../../src/types/entities.ts";
import { CometDriver } from "../support/comet-driver.ts";
import { recordHistory } from "../support/recording-chain.ts";
import { MemoryState, accountOf, keyOf, twinCall } from "../unit/runtime-harness.ts";

const RELAY = "/dns4/relay.example/tcp/1";
/** To 2: every twin gets a relay, two rows a block. To 3: names become dearer, at once. */
const MIGRATIONS: readonly Migration[] = [
  {
    to: 2,
    release: "2.0.0",
    summary: "Every twin has a relay.",
    step: rewriteRows("twin", (_key, bytes) => encode(twin, { ...decodeTrusted(twin, bytes), relays: [RELAY] })),
  },
  {
    to: 3,
    release: "3.0.0",
    summary: "Names are dearer.",
    step: ({ state }) => {
      const pricing = readPricing(state);
      pricingCell.put(state, { ...pricing, nameMicroUsdPerHour: pricing.nameMicroUsdPerHour + 1 });
      return undefined;
    },
  },
];
const oldRuntime = createRuntime();
const newRuntime = createRuntime({ migrations: MIGRATIONS, migrationRows: 2 });

const history = recordHistory({ randomBlocks: 10, seed: 9 });
const AT = Math.floor(history.blocks.length / 2);

/** The same blocks under a genesis whose governance has chosen an upgrade. */
function upgrading(stateVersion = 3): Pick<RecordedChain, "genesis" | "blocks"> {
  const genesis = history.genesis as { readonly charter: object } & JsonValue;
  return { genesis: { ...(genesis as object), charter: { ...genesis.charter, upgrade: { stateVersion, atHeight: AT, release: "3.1.4" } } }, blocks: history.blocks };
}

const hashes = (runtime = newRuntime, storage: Storage = memoryStorage(), chain: ReturnType<typeof upgrading> = upgrading()): string[] =>
  [...carryOutBlocks({ runtime, storage, chain })].map(({ appHash }) => appHash);

describe("an upgrade", () => {
  it("is carried out from the chosen height on, spread over blocks, the same on every machine and in both engines", async () => {
    const storage = memoryStorage();
    const first = hashes(newRuntime, storage);
    const state = openState(storage);
    expect(readStateVersion(state)).toEqual({ version: 3, release: "3.1.4", step: null });
    const read = newRuntime.queries(state);
    const twins = read.twins();
    expect(twins.length).toBeGreaterThan(4);
    expect(twins.filter(({ relays }) => relays[0] === RELAY).length).toBeGreaterThan(2);
    const without = memoryStorage();
    expect(hashes(newRuntime, without, history).at(-1)).not.toBe(first.at(-1));
    expect(read.pricing().nameMicroUsdPerHour).toBe(newRuntime.queries(openState(without)).pricing().nameMicroUsdPerHour + 1);
    expect(read.charter().upgrade).toBeNull();
    expect(newRuntime.invariants(state)).toEqual([]);

    expect(hashes(createRuntime({ migrations: MIGRATIONS, migrationRows: 2 }))).toEqual(first);
    const driver = new CometDriver({ runtime: newRuntime, chain: upgrading() });
    const comet = [driver.appHash as string];
    for (const block of history.blocks) comet.push(await driver.block(block));
    expect(comet).toEqual(first);
  });

  it("goes on where it was after a crash in any of its blocks", async () => {
    const expected = hashes();
    const storage = memoryStorage();
    const chain = upgrading();
    for (const block of chain.blocks) {
      const driver = new CometDriver({ runtime: createRuntime({ migrations: MIGRATIONS, migrationRows: 2 }), chain, storage });
      // Carried out but never committed, then again.
      await driver.block(block, false);
      const again = new CometDriver({ runtime: createRuntime({ migrations: MIGRATIONS, migrationRows: 2 }), chain, storage });
      expect(await again.block(block)).toBe(expected[block.height]);
      expect(await again.block(block).catch((error: unknown) => (error as { code: string }).code)).toBe("cometbft.wrong_block");
    }
  });

  it("takes no transactions meanwhile, charges nothing for them, and is no standstill of anybody else's making", () => {
    const chain = upgrading(2);
    const storage = memoryStorage();
    const carrier = carryOutBlocks({ runtime: newRuntime, storage, chain });
    for (const { height } of carrier) if (height === AT) break;
    const state = openState(storage);
    expect(readStateVersion(state)).toMatchObject({ version: 1, step: { to: 2 } });
    const { account } = keyOf("user");
    const before = newRuntime.queries(state).account(account);
    const height = transactionBody.fields.expiresAtHeight.fromCbor(AT + 100);
    const body = { chainId: "test-chain", signer: account, nonce: before.nonce, expiresAtHeight: height, calls: [twinCall("user")] };
    const tx = newRuntime.decodeTx(encode(signedTransaction, { body, signature: "00".repeat(64) as never }), 1 << 20);
    const context = { chainId: "test-chain", height: AT + 1, timeMs: history.blocks[AT]!.timeMs };
    expect(() => newRuntime.checkTx(state, context, tx)).toThrow(expect.objectContaining({ code: "tx.upgrading" }));
    const draft = state.draft();
    expect(newRuntime.deliverTx(draft, context, tx)).toMatchObject({ ok: false, feeUnits: 0n, error: { code: "tx.upgrading" } });
    expect(newRuntime.queries(draft).account(account)).toEqual(before);
    // More blocks are wanted at once, and nothing else is done in them: nodes that could not speak are not down.
    expect(newRuntime.nextDueMs(state)).toBe(0);
    const late = { ...context, timeMs: context.timeMs + 3_600_000 };
    const events = newRuntime.beginBlock(draft, late);
    expect(events.filter(({ type }) => type !== "governance.upgraded")).toEqual([]);
    let next = late;
    for (; newRuntime.nextDueMs(draft) === 0; newRuntime.beginBlock(draft, next)) next = { ...next, height: next.height + 1, timeMs: next.timeMs + 1_000 };
    expect(newRuntime.queries(draft).nodes().filter(({ up }) => up)).toEqual(newRuntime.queries(state).nodes().filter(({ up }) => up));
    expect(newRuntime.invariants(draft)).toEqual([]);
  });

  it("changes nothing for blocks before it: a new program replays an old chain as ever", () => {
    expect(replay({ runtime: newRuntime, storage: memoryStorage(), chain: history })).toBe(history.blocks.length);
    const before = hashes(oldRuntime, memoryStorage(), { ...upgrading(), blocks: history.blocks.slice(0, AT - 1) });
    expect(hashes().slice(0, AT)).toEqual(before);
  });
});

describe("a migration with a bug", () => {
  it("ends the program with nothing of its block kept; a corrected release goes on from the block before, to the same state as ever", async () => {
    const broken: Migration[] = [
      {
        ...MIGRATIONS[0]!,
        step: (context, after, rows) => {
          const next = MIGRATIONS[0]!.step(context, after, rows);
          if (after !== null) throw new TypeError("a bug of this release");
          return next;
        },
      },
      MIGRATIONS[1]!,
    ];
    const chain = upgrading();
    const expected = hashes();
    const storage = memoryStorage();
    const failing = new CometDriver({ runtime: createRuntime({ migrations: broken, migrationRows: 2 }), chain, storage });
    // Its first two rows are changed and committed, the next two are not.
    for (const block of chain.blocks.slice(0, AT)) expect(await failing.block(block)).toBe(expected[block.height]);
    await expect(failing.block(chain.blocks[AT]!)).rejects.toThrow("a bug of this release");
    expect(openState(storage).version).toBe(AT);
    await expect(new CometDriver({ runtime: createRuntime({ migrations: broken, migrationRows: 2 }), chain, storage }).block(chain.blocks[AT]!)).rejects.toThrow("a bug of this release");
    const mended = new CometDriver({ runtime: newRuntime, chain, storage });
    for (const block of chain.blocks.slice(AT)) expect(await mended.block(block)).toBe(expected[block.height]);
    const solo = memoryStorage();
    expect(() => hashes(createRuntime({ migrations: broken, migrationRows: 2 }), solo)).toThrow("a bug of this release");
    expect(openState(solo).version).toBe(AT);
  });
});

describe("an export in the middle of an upgrade", () => {
  it("goes on with the migration where it was, and only in a program that knows it", () => {
    const storage = memoryStorage();
    for (const { height } of carryOutBlocks({ runtime: newRuntime, storage, chain: upgrading() })) if (height === AT) break;
    const state = openState(storage);
    const genesis = exportGenesis(state, { height: state.version, timeMs: history.blocks[AT - 1]!.timeMs });
    const start = genesisStart(genesis);
    const moved = new MemoryState();
    newRuntime.initGenesis(moved, genesis, { chainId: genesis.chainId, ...start });
    let context = { chainId: genesis.chainId, ...start };
    for (; newRuntime.nextDueMs(moved) === 0; newRuntime.beginBlock(moved, context)) context = { ...context, height: context.height + 1, timeMs: context.timeMs + 1 };
    expect(readStateVersion(moved)).toMatchObject({ version: 3, step: null });
    expect(newRuntime.queries(moved).twins().every(({ relays }) => relays[0] === RELAY)).toBe(true);
    expect(newRuntime.invariants(moved)).toEqual([]);
    expect(() => oldRuntime.initGenesis(new MemoryState(), genesis, { chainId: genesis.chainId, ...start })).toThrow(expect.objectContaining({ code: "chain.upgrade_needed" }));
  });
});

describe("a program that does not know the chosen version", () => {
  it("stops before the height, says which release to install, and leaves the state as everybody's", async () => {
    const chain = upgrading();
    const driver = new CometDriver({ runtime: oldRuntime, chain });
    for (const block of chain.blocks.slice(0, AT - 1)) await driver.block(block);
    const head = driver.app.head;
    const refused = await driver.block(chain.blocks[AT - 1]!).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "chain.upgrade_needed", details: { stateVersion: 3, knownVersion: 1, release: "3.1.4", atHeight: AT } });
    expect((refused as Error).message).toContain("Install release 3.1.4");
    expect(driver.app.head).toEqual(head);
    expect(() => [...carryOutBlocks({ runtime: oldRuntime, storage: memoryStorage(), chain })]).toThrow(expect.objectContaining({ code: "chain.upgrade_needed" }));
  });

  it("does not open a state that follows newer rules", () => {
    const storage = memoryStorage();
    hashes(newRuntime, storage);
    expect(() => oldRuntime.requireSupported(openState(storage), history.blocks.length + 1)).toThrow(expect.objectContaining({ code: "chain.upgrade_needed" }));
    expect(() => oldRuntime.requireSupported(openState(storage), history.blocks.length + 1)).toThrow("3.1.4");
  });

  it("ends in the solo engine as well; the release that knows it goes on with the same folder", async () => {
    const chainId = "upgrade-chain";
    const people = ["user", "other", "agent"];
    const accounts = people.map((name) => ({ id: accountOf(name), freeUnits: 10n ** 10n }));
    const charter = { upgrade: { stateVersion: 2, atHeight: 4, release: "2.0.0" } };
    const genesis = defaultGenesis({ chainId, foundation: accountOf("foundation"), validatorsPool: accountOf("pool"), accounts, charter });
    const storage = memoryStorage();
    const authority = keyOf("authority");
    const genesisHash = genesisHashOf(genesisToJson(genesis), authority.account);
    const failed = Promise.withResolvers<unknown>();
    const start = (runtime: typeof oldRuntime, onFatal: (error: unknown) => void) =>
      solo({ storage, runtime, chainId, genesis, genesisHash, authority, clock: systemClock, logger: silentLogger, blockIntervalMs: 1, idleBlockMs: 5, onFatal });
    const engine = start(oldRuntime, failed.resolve);
    await engine.submit(signedBy("user", chainId));
    await engine.submit(signedBy("other", chainId));
    expect(await failed.promise).toMatchObject({ code: "chain.upgrade_needed" });
    await engine.stop();
    expect(engine.head().height).toBe(3);
    expect(() => start(oldRuntime, failed.reject)).toThrow(expect.objectContaining({ code: "chain.upgrade_needed" }));

    const upgraded = start(newRuntime, failed.reject);
    await expect.poll(() => readStateVersion(upgraded.state)).toMatchObject({ version: 2, step: null });
    expect(await upgraded.submit(signedBy("agent", chainId))).toMatchObject({ ok: true });
    expect(newRuntime.queries(upgraded.state).twins().map(({ relays }) => relays)).toEqual([[RELAY], [RELAY], []]);
    await upgraded.stop();
  });
});

function signedBy(name: string, chainId: string): Uint8Array {
  const expiresAtHeight = transactionBody.fields.expiresAtHeight.fromCbor(1_000_000);
  const body = { chainId, signer: accountOf(name), nonce: 0, expiresAtHeight, calls: [twinCall(name)] };
  return encode(signedTransaction, { body, signature: keyOf(name).sign("tfgrid/tx/v1", encode(transactionBody, body)) });
}

describe("the list of migrations", () => {
  it("has no gaps, and gates say which rules are in force", () => {
    expect(() => createUpgrades([MIGRATIONS[1]!])).toThrow("not in its place");
    const state = new MemoryState();
    expect([since(state, 1), since(state, 2)]).toEqual([true, false]);
    expect(createUpgrades([]).known).toBe(1);
    const block = { chainId: "c", height: 5, timeMs: 0 };
    expect(() => checkChange({ state, block }, { type: "upgrade", stateVersion: 1, atHeight: 10 })).toThrow(expect.objectContaining({ code: "governance.bad_change" }));
    checkChange({ state, block }, { type: "upgrade", stateVersion: 2, atHeight: 10, release: "2.0.0" });
  });
});
