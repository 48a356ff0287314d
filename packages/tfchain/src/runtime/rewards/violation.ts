import { runtimeErrors } from "../../errors.ts";
import type { CallContext, CallOf } from "../context.ts";
import { requireNode } from "../nodes/store.ts";
import { requireCertifier } from "../policy/offices.ts";
import { readPolicy } from "../policy/store.ts";
import { violated } from "../reputation/evidence.ts";
import { books } from "./books.ts";

/** A claim of the node that a certifier found to be false. Enough different certifiers cost it the period's reward. */
export function reportViolation(context: CallContext, { nodeId, code }: CallOf<"nodes.report_violation">): void {
  const { state, signer, emit } = context;
  requireCertifier(context);
  const node = requireNode(state, nodeId);
  const row = books.get(state, nodeId);
  const { violationWitnesses } = readPolicy(state).rewards;
  if (row === undefined || row.witnesses.includes(signer) || row.witnesses.length >= violationWitnesses) {
    throw runtimeErrors.fail("nodes.violation_known", { details: { nodeId, account: signer } });
  }
  const witnesses = [...row.witnesses, signer];
  books.put(state, nodeId, { ...row, witnesses });
  if (witnesses.length >= violationWitnesses) violated(context, node);
  emit({ type: "nodes.violation", nodeId, code, witnesses: witnesses.length });
}
