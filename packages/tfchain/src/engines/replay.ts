/**
 * A chain written down as what made it: its genesis and its blocks' times and transactions, with the state hash after each.
 * Whatever carries these blocks out must come to the same hashes: the other engine, another release, another language.
 */
import { type Hex, type Infer, type JsonValue, type Schema, hexToBytes, isGridError, s, verify } from "@tfgrid/primitives";
import { chainErrors } from "../light/errors.ts";
import { type Runtime, genesisStart, parseGenesis } from "../runtime/index.ts";
import { type Storage, openState } from "../state/index.ts";
import { height, key32, timeMs } from "../types/entities.ts";
import { misbehaviourReport } from "../types/validators.ts";
import type { BlockStore } from "./block-store.ts";
import type { CommittedBlock, Engine, TxResult } from "./engine.ts";
import { execute } from "./execute.ts";

const anyJson: Schema<JsonValue> = {
  fromCbor: (value) => value as JsonValue,
  toCbor: (value) => value,
  fromJson: (value) => value as JsonValue,
  toJson: (value) => value,
  jsonSchema: () => ({}),
};

export const recordedBlock = s.struct({
  height,
  timeMs,
  txs: s.list(s.hex({ maxLength: 1024 * 1024 }), { max: 100_000 }),
  misbehaviour: s.optional(s.list(misbehaviourReport, { max: 10_000 })),
  /** Of the state after the block. */
  appHash: key32,
});
export type RecordedBlock = Infer<typeof recordedBlock>;

export const recordedChain = s.struct({
  about: s.optional(s.text({ maxLength: 1_000 })),
  /** Its JSON form. */
  genesis: anyJson,
  genesisAppHash: key32,
  blocks: s.list(recordedBlock, { max: 1_000_000 }),
});
export type RecordedChain = Infer<typeof recordedChain>;

/** Writes down every block that the engine commits from now on. Returns what has been written so far. */
export function recordBlocks(engine: Pick<Engine, "onBlock">, blocks: Pick<BlockStore, "transactions">): readonly RecordedBlock[] {
  const recorded: RecordedBlock[] = [];
  engine.onBlock(({ head }: CommittedBlock) => {
    const txs = blocks.transactions(head.height).map((tx) => Buffer.from(tx).toString("hex") as Hex);
    recorded.push({ height: head.height, timeMs: head.timeMs, txs, appHash: head.appHash });
  });
  return recorded;
}

export interface CarryOutOptions {
  readonly runtime: Runtime;
  /** Empty: the state is left in it. */
  readonly storage: Storage;
  readonly chain: { readonly genesis: JsonValue; readonly blocks: readonly Omit<RecordedBlock, "appHash">[] };
}

/** Blocks as `solo` carries them out: the hash of the state after each, the genesis first. @throws GridError genesis.invalid, chain.upgrade_needed */
export function* carryOutBlocks(options: CarryOutOptions): Generator<{ readonly height: number; readonly appHash: Hex }> {
  const { runtime, storage, chain } = options;
  const genesis = parseGenesis(chain.genesis);
  const start = genesisStart(genesis);
  const state = openState(storage);
  const draft = state.draft();
  runtime.initGenesis(draft, genesis, { chainId: genesis.chainId, ...start });
  const sealed = draft.seal(start.height);
  storage.write(sealed.ops);
  sealed.adopt();
  yield { height: start.height, appHash: sealed.root };
  for (const block of chain.blocks) {
    const { misbehaviour } = block;
    const context = { chainId: genesis.chainId, height: block.height, timeMs: block.timeMs, ...(misbehaviour === undefined ? {} : { misbehaviour }) };
    const { maxTxBytes } = runtime.queries(state).params();
    const txs = block.txs.flatMap((tx) => pending(runtime, hexToBytes(tx), maxTxBytes));
    const execution = execute({ runtime, state, context, txs });
    storage.write(execution.sealed.ops);
    execution.sealed.adopt();
    yield { height: block.height, appHash: execution.sealed.root };
  }
}

export interface ReplayOptions extends CarryOutOptions {
  readonly chain: Pick<RecordedChain, "genesis" | "genesisAppHash" | "blocks">;
}

/**
 * Carries out a recorded chain and compares every hash. Returns how many blocks it was.
 * @throws GridError chain.replay_differs at the first height that came to another state
 */
export function replay(options: ReplayOptions): number {
  const { genesisAppHash, blocks } = options.chain;
  const expected = [genesisAppHash, ...blocks.map(({ appHash }) => appHash)];
  let index = 0;
  for (const { height: at, appHash } of carryOutBlocks(options)) {
    requireSame(at, expected[index] as Hex, appHash);
    index += 1;
  }
  return blocks.length;
}

/** A block may carry what is no transaction: every engine counts it as refused, and none carries it out. */
function pending(runtime: Runtime, bytes: Uint8Array, maxTxBytes: number) {
  const decoded = decodedOf(runtime, bytes, maxTxBytes);
  if (decoded === undefined) return [];
  const { body, signature } = decoded.tx;
  const domain = "tfgrid/tx/v1";
  const message = decoded.signBytes.subarray(domain.length + 1);
  if (!verify({ account: body.signer, domain, message, signature })) return [];
  return [{ bytes, decoded, result: Promise.withResolvers<TxResult>() }];
}

function decodedOf(runtime: Runtime, bytes: Uint8Array, maxTxBytes: number) {
  try {
    return runtime.decodeTx(bytes, maxTxBytes);
  } catch (error) {
    if (isGridError(error)) return undefined;
    throw error;
  }
}

function requireSame(at: number, expected: Hex, found: Hex): void {
  if (expected === found) return;
  const message = `The state after height ${at} has the hash ${found}, recorded is ${expected}.`;
  throw chainErrors.fail("chain.replay_differs", { message, details: { height: at, recordedAppHash: expected, appHash: found } });
}
