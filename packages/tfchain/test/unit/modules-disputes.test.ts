import { describe, expect, it } from "vitest";
import type { Call } from "../../src/types/calls.ts";
import type { DisputeId } from "../../src/types/merit.ts";
import { type Chain, TFT, accountOf, cid, nodeCall, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const dispute = (chain: Chain, document: ReturnType<typeof cid> | null = null): Call => ({ type: "reputation.dispute", contractId: chain.read.contracts({})[0]!.id, document });
const resolve = (upheld: boolean, disputeId = 1 as DisputeId): Call => ({ type: "reputation.resolve", disputeId, upheld });

/** `user` has a contract on node1 that was billed for a while; three certifiers, of whom two must agree. */
function ready(): Chain {
  const chain = world({ charter: { certifiers: ["other", "agent", "farmer"].map(accountOf) } });
  chain.do("user", nodeCall(chain, { depositUnits: 10n * TFT }));
  chain.run(2 * MINUTE, { up: ["node1", "node2"] });
  return chain;
}

describe("a dispute", () => {
  it("is opened by who paid, once, and costs node and farm their name when enough certifiers uphold it", () => {
    const chain = ready();
    const node = chain.nodeOf("node1");
    const before = chain.read.reputation({ nodeId: node }).score;
    chain.refuse("contracts.not_owner", "other", dispute(chain));
    chain.do("user", dispute(chain, cid("what happened")));
    chain.refuse("reputation.disputed_already", "user", dispute(chain));
    const { billedUnits, id: contractId } = chain.read.contracts({})[0]!;
    expect(chain.read.dispute(1 as DisputeId)).toMatchObject({ contractId, nodeId: node, state: "open", document: cid("what happened"), byTwinId: chain.twin("user") });
    expect(chain.read.dispute(1 as DisputeId)?.atStakeUnits).toBe(billedUnits);
    // Nothing counts before it is decided.
    expect(chain.read.reputation({ nodeId: node }).score).toBe(before);
    chain.refuse("governance.not_a_certifier", "user", resolve(true));
    chain.do("other", resolve(true));
    chain.refuse("reputation.decided_already", "other", resolve(false));
    chain.do("agent", resolve(false));
    expect(chain.read.dispute(1 as DisputeId)?.state).toBe("open");
    chain.do("farmer", resolve(true));
    expect(chain.read.dispute(1 as DisputeId)).toMatchObject({ state: "upheld", upheldBy: ["other", "farmer"].map(accountOf), rejectedBy: [accountOf("agent")] });
    chain.refuse("reputation.resolved_already", "agent", resolve(false));
    const { evidence, score } = chain.read.reputation({ nodeId: node });
    expect(evidence).toMatchObject({ disputesMilli: 1_000, failedUnits: chain.read.dispute(1 as DisputeId)!.atStakeUnits });
    // 50 off, and a little for the money that was lost.
    expect(score).toBeGreaterThanOrEqual(before - 55);
    expect(score).toBeLessThanOrEqual(before - 50);
    expect(chain.read.reputation({ farmId: chain.read.farmByName("farm")!.id }).evidence.disputesMilli).toBe(1_000);
    expect(chain.events.filter(({ type }) => type === "reputation.resolved")).toMatchObject([{ upheld: true, contractId }]);
  });

  it("costs who complained when it is rejected", () => {
    const chain = ready();
    chain.do("user", dispute(chain));
    chain.do("other", resolve(false));
    chain.do("agent", resolve(false));
    expect(chain.read.disputes({})).toMatchObject([{ state: "rejected" }]);
    expect(chain.read.reputation({ twinId: chain.twin("user") }).evidence.disputesMilli).toBe(1_000);
    expect(chain.read.reputation({ nodeId: chain.nodeOf("node1") }).evidence.disputesMilli).toBe(0);
  });

  it("needs something at stake: neither farmers about themselves, nor who paid nothing, nor names", () => {
    const chain = world({ charter: { certifiers: [accountOf("other")] } });
    chain.do("farmer", nodeCall(chain, { depositUnits: 10n * TFT }));
    chain.do("user", nodeCall(chain, { depositUnits: 10n * TFT }));
    chain.do("user", { type: "contracts.create_name", name: "shop", gatewayNodeId: chain.nodeOf("node2"), solutionId: null, depositUnits: TFT });
    const [own, fresh, name] = chain.read.contracts({});
    chain.refuse("reputation.nothing_paid", "user", { type: "reputation.dispute", contractId: fresh!.id, document: null });
    chain.run(MINUTE, { up: ["node1", "node2"] });
    chain.refuse("reputation.nothing_paid", "farmer", { type: "reputation.dispute", contractId: own!.id, document: null });
    chain.refuse("contracts.not_a_node_contract", "user", { type: "reputation.dispute", contractId: name!.id, document: null });
    chain.refuse("reputation.no_dispute", "other", resolve(true));
  });
});

describe("work that ended well", () => {
  it("counts for a node when somebody else paid for it", () => {
    const fulfilled = (payer: string): bigint => {
      const chain = world();
      chain.do(payer, nodeCall(chain));
      chain.run(MINUTE, { up: ["node1", "node2"] });
      chain.do(payer, { type: "contracts.cancel", contractId: chain.read.contracts({})[0]!.id });
      expect(chain.read.contracts({})[0]?.billedUnits).toBeGreaterThan(0n);
      return chain.read.reputation({ nodeId: chain.nodeOf("node1") }).evidence.fulfilledUnits;
    };
    expect(fulfilled("user")).toBeGreaterThan(0n);
    // Who pays himself proves nothing.
    expect(fulfilled("farmer")).toBe(0n);
  });
});
