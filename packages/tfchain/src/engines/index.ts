export * from "./engine.ts";
export { genesisHashOf } from "./genesis.ts";
export { type SoloOptions, solo } from "./solo.ts";
export { verifyFast } from "./verify.ts";
