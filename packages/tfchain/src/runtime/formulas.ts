/** The part of the runtime that needs no state: formulas and verdicts over what the ledger answers. */
export * from "./pricing/cost.ts";
export { LEDGER_TERMS, announcedTerms, termsAt } from "./pricing/terms.ts";
export { isAsleep, isOff } from "./nodes/off.ts";
export { heldResources } from "./contracts/held.ts";
