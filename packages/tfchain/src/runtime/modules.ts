/** The ledger's modules. A new one adds its line; what it may bring is said in `module.ts`. */
import { accountsModule as accounts } from "./accounts/module.ts";
import type { StateQueries, StateReader } from "./api.ts";
import { billingModule as billing } from "./billing/module.ts";
import { contractsModule as contracts } from "./contracts/module.ts";
import { farmsModule as farms } from "./farms/module.ts";
import { governanceModule as governance } from "./governance/module.ts";
import type { Check, DueHandler, Module } from "./module.ts";
import { nodesModule as nodes } from "./nodes/module.ts";
import { notaryModule as notary } from "./notary/module.ts";
import { policyModule as policy } from "./policy/module.ts";
import { pricingModule as pricing } from "./pricing/module.ts";
import { reputationModule as reputation } from "./reputation/module.ts";
import { rewardsModule as rewards } from "./rewards/module.ts";
import { servicesModule as services } from "./services/module.ts";
import { solutionsModule as solutions } from "./solutions/module.ts";
import type { DueKind } from "./store/due.ts";
import { transactionsModule as transactions } from "./transactions/module.ts";
import { twinsModule as twins } from "./twins/module.ts";
import { validatorsModule as validators } from "./validators/module.ts";
import { workModule as work } from "./failed-work/module.ts";

const MODULES = { accounts, billing, contracts, farms, governance, nodes, notary, policy, pricing, reputation, rewards, services, solutions, transactions, twins, validators, work } as const satisfies Readonly<Record<string, Module>>;

/** Everything that a ChainReader answers from the state, as pure functions. `head` is the engine's: the state does not know its own block. */
export const queries = (state: StateReader): StateQueries => ({
  ...accounts.queries(state),
  ...contracts.queries(state),
  ...farms.queries(state),
  ...governance.queries(state),
  ...nodes.queries(state),
  ...notary.queries(state),
  ...policy.queries(state),
  ...pricing.queries(state),
  ...reputation.queries(state),
  ...rewards.queries(state),
  ...services.queries(state),
  ...solutions.queries(state),
  ...transactions.queries(state),
  ...twins.queries(state),
  ...validators.queries(state),
  ...work.queries(state),
});

export const DUE_HANDLERS: Readonly<Record<DueKind, DueHandler>> = { ...billing.due, ...governance.due, ...nodes.due, ...rewards.due };

export const CHECKS: readonly Check[] = Object.values<Module>(MODULES).flatMap(({ invariants = [] }) => invariants);
