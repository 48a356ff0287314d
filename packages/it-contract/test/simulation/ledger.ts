/** The real ledger runtime and the real notary core in memory, with blocks made by hand: what the agent meets, without a network. */
import { type Call, type ChainClient, type ChainEvent, chain as types, type EventBlock, memoryStorage, type Receipt, runtime } from "@tfgrid/tfchain";
import { bytesToHex, type CidText, encode, GridError, type Height, type Hex, type KeyPair, keyPairFromSeed, type NodeId, type TwinId, utf8 } from "@tfgrid/primitives";

export const CHAIN_ID = "simulation";
export const TFT = 10_000_000n;

const KEYS = new Map<string, KeyPair>();
export function keyOf(name: string): KeyPair {
  const seed = new Uint8Array(32);
  seed.set(utf8(name).subarray(0, 32));
  const pair = KEYS.get(name) ?? keyPairFromSeed(seed);
  KEYS.set(name, pair);
  return pair;
}

/** What the runtime reads and writes, without versions and proofs. */
function memoryState(): runtime.StateWriter {
  const storage = memoryStorage();
  return {
    get: (key) => storage.get("state", key),
    set: (key, value) => storage.write([{ table: "state", key, value }]),
    delete: (key) => storage.write([{ table: "state", key, value: undefined }]),
    range: (options) => storage.range("state", options),
  };
}

export interface Sim {
  timeMs: number;
  readonly height: () => number;
  readonly blocks: EventBlock[];
  /** Delivered to nobody yet; a lossy run drops some on purpose. */
  submitAs(name: string, ...calls: Call[]): Receipt;
  tick(ms: number): void;
  client(options?: ClientOptions): ChainClient;
  readonly read: ReturnType<ReturnType<typeof runtime.createRuntime>["queries"]>;
  twin(name: string): TwinId;
  node(name: string): NodeId;
  invariants(): readonly string[];
}

export interface ClientOptions {
  /** Called before and after a submit takes effect: throwing there is a crash at that step. */
  readonly onStep?: (step: string) => void;
  readonly loseEvents?: () => boolean;
}

export function openLedger(names: readonly string[]): Sim {
  const machine = runtime.createRuntime();
  const state = memoryState();
  const listeners = new Set<() => void>();
  const blocks: EventBlock[] = [];
  let height = 0;
  const context = () => ({ chainId: CHAIN_ID, height, timeMs: sim.timeMs });
  const addBlock = (events: readonly ChainEvent[]): void => {
    blocks.push({ height: height as Height, timeMs: sim.timeMs, events });
    for (const wake of listeners) wake();
  };
  const submit = (key: KeyPair, calls: readonly Call[]): Receipt => {
    height += 1;
    const begun = machine.beginBlock(state, context());
    const nonce = machine.queries(state).account(key.account).nonce;
    const body = { chainId: CHAIN_ID, signer: key.account, nonce, expiresAtHeight: (height + 10) as Height, calls };
    // The runtime leaves signatures to the engine.
    const bytes = encode(types.signedTransaction, { body, signature: "00".repeat(64) as Hex });
    const outcome = machine.deliverTx(state, context(), machine.decodeTx(bytes, 1 << 20));
    addBlock([...begun, ...outcome.events]);
    if (outcome.error !== undefined) throw GridError.fromWire(outcome.error);
    return { hash: outcome.hash, height: height as Height, timeMs: sim.timeMs, feeUnits: outcome.feeUnits, events: outcome.events };
  };
  const read = machine.queries(state);
  const sim: Sim = {
    timeMs: 1_800_000_000_000,
    height: () => height,
    blocks,
    read,
    submitAs: (name, ...calls) => submit(keyOf(name), calls),
    tick: (ms) => {
      sim.timeMs += ms;
      height += 1;
      addBlock(machine.beginBlock(state, context()));
    },
    client: (options = {}) => clientOf({ read, submit, blocks, listeners, height: () => height, timeMs: () => sim.timeMs, options }),
    twin: (name) => read.twinByAccount(keyOf(name).account)?.id as TwinId,
    node: (name) => read.nodeByTwin(sim.twin(name))?.id as NodeId,
    invariants: () => machine.invariants(state),
  };
  const accounts = names.map((name) => ({ id: keyOf(name).account, freeUnits: 100_000n * TFT }));
  const genesis = runtime.defaultGenesis({
    chainId: CHAIN_ID,
    foundation: keyOf("foundation").account,
    validatorsPool: keyOf("pool").account,
    accounts,
    params: { reportsPerMinute: 1_000_000, settlementIntervalMs: 3_600_000 },
  });
  machine.initGenesis(state, genesis, context());
  return sim;
}

interface ClientParts {
  readonly read: Sim["read"];
  readonly submit: (key: KeyPair, calls: readonly Call[]) => Receipt;
  readonly blocks: readonly EventBlock[];
  readonly listeners: Set<() => void>;
  readonly height: () => number;
  readonly timeMs: () => number;
  readonly options: ClientOptions;
}

function clientOf(parts: ClientParts): ChainClient {
  const { read, options } = parts;
  const zero = bytesToHex(new Uint8Array(32));
  const asynchronous = Object.fromEntries(
    Object.entries(read).map(([name, query]) => [
      name,
      async (...args: never[]) => (query as (...values: never[]) => unknown)(...args),
    ]),
  ) as unknown as ChainClient;
  return {
    ...asynchronous,
    proven: { ...asynchronous, height: parts.height },
    head: async () => ({ chainId: CHAIN_ID, height: parts.height() as Height, timeMs: parts.timeMs(), appHash: zero, blockHash: zero }),
    submit: async (signer, calls) => {
      options.onStep?.("before submit");
      const receipt = parts.submit(signer, calls);
      options.onStep?.("after submit");
      return receipt;
    },
    follow: (follow) => followBlocks(parts, follow),
    close: async () => undefined,
  };
}

async function* followBlocks(parts: ClientParts, follow: Parameters<ChainClient["follow"]>[0]): AsyncGenerator<EventBlock> {
  let next = parts.blocks.findIndex((block) => block.height >= (follow.from ?? parts.height() + 1));
  if (next < 0) next = parts.blocks.length;
  while (!follow.signal.aborted) {
    const block = parts.blocks[next];
    if (block !== undefined) {
      next += 1;
      if (block.events.length > 0 && parts.options.loseEvents?.() !== true) yield block;
      continue;
    }
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        parts.listeners.delete(wake);
        follow.signal.removeEventListener("abort", wake);
        resolve();
      };
      parts.listeners.add(wake);
      follow.signal.addEventListener("abort", wake, { once: true });
    });
  }
}

export type { CidText };
