/** The runtime's door inside the room: state machine, genesis, pure queries and state keys. */
export type { BlockContext, DecodedTx, Runtime, Slice, StateKeys, StateQueries, StateReader, StateWriter, TxOutcome } from "./api.ts";
export type { Verify } from "./context.ts";
export {
  DEFAULT_PRICING,
  defaultGenesis,
  genesis,
  type Genesis,
  type GenesisOptions,
  genesisToJson,
  parseGenesis,
  PRESETS,
} from "./genesis.ts";
export { type ExportOptions, exportGenesis, genesisStart } from "./export/genesis.ts";
export { RUNTIME_LIMITS } from "./limits.ts";
export { minimumPrepaid } from "./billing/schedule.ts";
export { nameCostPerHour, nodeCostPerHour, prepaidUnits } from "./pricing/cost.ts";
export { isAsleep, isOff } from "./nodes/off.ts";
export { LEDGER_TERMS, announcedTerms, termsAt } from "./pricing/terms.ts";
export { queries } from "./modules.ts";
export { createRuntime, type RuntimeOptions } from "./runtime.ts";
export { type Migration, rewriteRows } from "./upgrades/migrations.ts";
export { type StateVersion, readStateVersion } from "./upgrades/store.ts";
export { rowsOf, rowsOver } from "./store/rows.ts";
export { coverUnits } from "./accounts/stake.ts";
export { heldResources } from "./contracts/held.ts";
export { stateKeys } from "./state-keys.ts";
export { type ValidatorUpdate, validatorUpdates } from "./validators/change.ts";
export { validatorAddressOf } from "./validators/store.ts";
