/** Gives recorded blocks to the CometBFT application as cometbft itself would: FinalizeBlock, then Commit. */
import { create } from "@bufbuild/protobuf";
import { type Hex, hexToBytes, sha256, silentLogger, utf8 } from "@tfgrid/primitives";
import { BlockStore } from "../../src/engines/block-store.ts";
import { Application } from "../../src/engines/cometbft/application.ts";
import { KnownTxs } from "../../src/engines/cometbft/known-txs.ts";
import type { RequestValue, ResponseValue } from "../../src/engines/cometbft/server.ts";
import * as abci from "../../src/engines/cometbft/wire/index.ts";
import { type RecordedBlock, type RecordedChain, genesisHashOf } from "../../src/engines/index.ts";
import { type Runtime, genesisStart, parseGenesis } from "../../src/runtime/index.ts";
import { type Storage, memoryStorage } from "../../src/state/index.ts";

const NS_PER_MS = 1_000_000;
const MANY = 1_000_000;

const timeOf = (timeMs: number) => ({ seconds: BigInt(Math.floor(timeMs / 1_000)), nanos: (timeMs % 1_000) * NS_PER_MS });
const KINDS = { unknown: abci.MisbehaviorType.UNKNOWN, duplicate_vote: abci.MisbehaviorType.DUPLICATE_VOTE, light_client_attack: abci.MisbehaviorType.LIGHT_CLIENT_ATTACK } as const;

function misbehaviorOf({ kind, address, power, totalPower, height, timeMs }: NonNullable<RecordedBlock["misbehaviour"]>[number]) {
  const validator = { address: hexToBytes(address), power: BigInt(power) };
  return create(abci.MisbehaviorSchema, { type: KINDS[kind], validator, totalVotingPower: BigInt(totalPower), height: BigInt(height), time: timeOf(timeMs) });
}

export class CometDriver {
  readonly app: Application;

  constructor(options: { readonly runtime: Runtime; readonly chain: Pick<RecordedChain, "genesis">; readonly storage?: Storage }) {
    const { runtime, chain, storage = memoryStorage() } = options;
    const genesis = parseGenesis(chain.genesis);
    this.app = new Application({
      storage,
      runtime,
      blocks: new BlockStore(storage, MANY),
      known: new KnownTxs({ runtime }),
      chainId: genesis.chainId,
      genesis,
      genesisHash: genesisHashOf(chain.genesis, "cometbft"),
      start: genesisStart(genesis),
      retainedBlocks: MANY,
      logger: silentLogger,
    });
    if (this.app.head.height === genesisStart(genesis).height) this.#begin(genesis.chainId, genesisHashOf(chain.genesis, "cometbft"));
  }

  #begin(chainId: string, genesisHash: Hex): void {
    const appStateBytes = utf8(JSON.stringify({ genesisHash }));
    const value = create(abci.RequestInitChainSchema, { chainId, appStateBytes, initialHeight: BigInt(this.app.head.height + 1) });
    const step = this.app.begin({ case: "initChain", value });
    if (step instanceof Promise) throw new Error("InitChain does not wait for anything");
    step();
  }

  get appHash(): Hex {
    return this.app.head.appHash;
  }

  async ask(request: RequestValue): Promise<ResponseValue> {
    const step = await this.app.begin(request);
    return step();
  }

  /** The hash that FinalizeBlock answers; Commit follows unless `commit` is false (a crash between the two). */
  async block(block: Pick<RecordedBlock, "timeMs" | "misbehaviour"> & { readonly height: number; readonly txs: readonly string[] }, commit = true): Promise<string> {
    const value = create(abci.RequestFinalizeBlockSchema, {
      height: BigInt(block.height),
      time: timeOf(block.timeMs),
      txs: block.txs.map(hexToBytes),
      hash: sha256(utf8(`block ${block.height}`)),
      misbehavior: (block.misbehaviour ?? []).map(misbehaviorOf),
    });
    const answer = await this.ask({ case: "finalizeBlock", value });
    if (answer.case !== "finalizeBlock") throw new Error(`FinalizeBlock was answered by ${answer.case}`);
    if (commit) await this.ask({ case: "commit", value: create(abci.RequestCommitSchema, {}) });
    return Buffer.from(answer.value.appHash).toString("hex");
  }
}
