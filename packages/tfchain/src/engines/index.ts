export * from "./engine.ts";
export { genesisHashOf } from "./genesis.ts";
export { type RecordedBlock, type RecordedChain, type ReplayOptions, carryOutBlocks, recordBlocks, recordedChain, replay } from "./replay.ts";
export { type SoloOptions, solo } from "./solo.ts";
export { type CometOptions, cometbft } from "./cometbft/engine.ts";
