/** The modules' calls in one table. A call type without a handler does not compile; a new module adds its line here. */
import type { Call, CallType } from "../types/calls.ts";
import { accountsCalls } from "./accounts/apply.ts";
import type { CallContext, Handler } from "./context.ts";
import { contractsCalls } from "./contracts/apply.ts";
import { farmsCalls } from "./farms/apply.ts";
import { governanceCalls } from "./governance/apply.ts";
import { nodesCalls } from "./nodes/apply.ts";
import { notaryCalls } from "./notary/apply.ts";
import { pricingCalls } from "./pricing/feed.ts";
import { reputationCalls } from "./reputation/apply.ts";
import { servicesCalls } from "./services/apply.ts";
import { solutionsCalls } from "./solutions/apply.ts";
import { twinsCalls } from "./twins/apply.ts";

const HANDLERS: { readonly [K in CallType]: Handler<K> } = {
  ...accountsCalls,
  ...twinsCalls,
  ...farmsCalls,
  ...nodesCalls,
  ...contractsCalls,
  ...solutionsCalls,
  ...notaryCalls,
  ...servicesCalls,
  ...reputationCalls,
  ...pricingCalls,
  ...governanceCalls,
};

/** @throws GridError of the catalogue */
export function applyCall(context: CallContext, call: Call): void {
  // The table pairs each tag with its handler; TypeScript cannot follow that pairing through an index.
  const handler = HANDLERS[call.type] as (context: CallContext, call: Call) => void;
  handler(context, call);
}
