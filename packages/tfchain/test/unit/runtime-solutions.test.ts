import { describe, expect, it } from "vitest";
import type { Call } from "../../src/types/calls.ts";
import {
  type Chain,
  TFT,
  accountOf,
  cid,
  keyOf,
  makeSolution,
  nodeCall,
  partCall,
  share,
  solutionOf,
  world,
  zeroResources,
} from "./runtime-harness.ts";

const sign = (chain: Chain, version: number, document: string | null): Call => ({
  type: "solutions.sign",
  solutionId: solutionOf(chain).id,
  version,
  document: document === null ? null : cid(document),
});
const amend = (chain: Chain, version: number, document: string, budgetPerHourUnits = 10n * TFT): Call => ({
  type: "solutions.amend",
  solutionId: solutionOf(chain).id,
  version,
  document: cid(document),
  budgetPerHourUnits,
});
const threeSigners = {
  signers: [
    ["user", 1],
    ["other", 2],
    ["farmer", 1],
  ] as const,
  thresholds: { provision: 3, amend: 2, delete: 4 },
};

describe("k of n", () => {
  it("accepts a solution when the weights reach the threshold, not before", () => {
    const chain = world();
    makeSolution(chain, threeSigners);
    expect(solutionOf(chain)).toMatchObject({ state: "proposed", version: 0, pending: { version: 1, signedBy: [chain.twin("user")] } });
    chain.refuse("solutions.not_accepted", "agent", partCall(chain, solutionOf(chain), { solutionVersion: 1 }));
    chain.refuse("solutions.already_signed", "user", sign(chain, 1, "v1"));
    chain.refuse("solutions.not_a_signer", "agent", sign(chain, 1, "v1"));
    chain.refuse("solutions.stale_version", "other", sign(chain, 2, "v1"));
    chain.refuse("solutions.stale_version", "other", sign(chain, 1, "altered"));
    const { events } = chain.do("other", sign(chain, 1, "v1"));
    expect(events.map(({ type }) => type)).toEqual(["solutions.signed", "solutions.accepted"]);
    expect(solutionOf(chain)).toMatchObject({ state: "accepted", version: 1, pending: null });
    chain.refuse("solutions.nothing_pending", "farmer", sign(chain, 1, "v1"));
  });

  it("amends: the new budget counts from acceptance, the agent is held to the new version", () => {
    const chain = world();
    makeSolution(chain, threeSigners);
    chain.do("other", sign(chain, 1, "v1"));
    chain.refuse("solutions.stale_version", "user", amend(chain, 3, "v2"));
    chain.do("user", amend(chain, 2, "v2", 99n * TFT));
    expect(solutionOf(chain)).toMatchObject({ version: 1, budgetPerHourUnits: 10n * TFT, document: cid("v1") });
    chain.do("farmer", sign(chain, 2, "v2"));
    expect(solutionOf(chain)).toMatchObject({ version: 2, budgetPerHourUnits: 99n * TFT, document: cid("v2"), pending: null });
    chain.refuse("solutions.stale_version", "agent", partCall(chain, solutionOf(chain), { solutionVersion: 1 }));
    chain.do("agent", partCall(chain, solutionOf(chain)));
  });

  it("the newest proposal replaces the one before, with no signature carried over", () => {
    const chain = world();
    makeSolution(chain, { signers: threeSigners.signers, thresholds: { provision: 1, amend: 4, delete: 4 } });
    chain.do("user", amend(chain, 2, "bad"));
    chain.do("other", sign(chain, 2, "bad"));
    chain.do("farmer", amend(chain, 2, "good"));
    expect(solutionOf(chain).pending).toMatchObject({ document: cid("good"), signedBy: [chain.twin("farmer")] });
    chain.refuse("solutions.stale_version", "other", sign(chain, 2, "bad"));
    // The same content with another budget is another change, too.
    chain.do("other", amend(chain, 2, "good", 11n * TFT));
    expect(solutionOf(chain).pending?.signedBy).toEqual([chain.twin("other")]);
    chain.do("user", amend(chain, 2, "good", 11n * TFT));
    expect(solutionOf(chain).pending?.signedBy).toEqual([chain.twin("other"), chain.twin("user")]);
  });

  it("deletes by threshold: parts gone, deposit back; the owner alone cannot", () => {
    const chain = world();
    makeSolution(chain, threeSigners);
    chain.do("other", sign(chain, 1, "v1"));
    chain.do("agent", partCall(chain, solutionOf(chain)));
    const before = solutionOf(chain);
    const cancel: Call = { type: "solutions.cancel", solutionId: before.id };
    chain.do("user", cancel);
    expect(solutionOf(chain)).toMatchObject({ state: "accepted", pending: { document: null, version: 2 } });
    chain.refuse("solutions.already_signed", "user", cancel);
    chain.do("other", cancel);
    const { events } = chain.do("farmer", sign(chain, 2, null));
    expect(events.map(({ type }) => type)).toEqual(["solutions.signed", "contracts.billed", "contracts.deleted", "solutions.cancelled"]);
    const after = chain.read.solution(before.id);
    expect(after).toMatchObject({ state: "cancelled", parts: [], escrowUnits: 0n });
    expect(chain.held("user")).toBe(0n);
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved).toEqual(zeroResources);
    chain.refuse("solutions.cancelled", "user", { type: "solutions.deposit", solutionId: before.id, amountUnits: 1n });
    // The name is free again.
    makeSolution(chain);
  });

  it("an owner gets his deposit back while nothing is accepted", () => {
    const chain = world();
    const { id } = makeSolution(chain, threeSigners);
    chain.refuse("solutions.not_a_signer", "agent", { type: "solutions.cancel", solutionId: id });
    chain.do("user", { type: "solutions.cancel", solutionId: id });
    expect(chain.read.solution(id)?.state).toBe("cancelled");
    expect(chain.held("user")).toBe(0n);
  });

  it("refuses signers and thresholds that cannot work", () => {
    const chain = world();
    const base = { type: "solutions.create", name: "x", document: cid("d"), budgetPerHourUnits: 1n, depositUnits: 1n } as const;
    const thresholds = { provision: 1, amend: 1, delete: 1 };
    const [user, agent] = [chain.twin("user"), chain.twin("agent")];
    const one = { twinId: user, weight: 1 };
    chain.refuse("solutions.bad_signers", "user", { ...base, agentTwinId: agent, signers: [one, one], thresholds });
    chain.refuse("solutions.bad_signers", "user", {
      ...base,
      agentTwinId: agent,
      signers: [one],
      thresholds: { ...thresholds, delete: 2 },
    });
    chain.refuse("solutions.agent_conflict", "user", { ...base, agentTwinId: user, signers: [one], thresholds });
    chain.refuse("solutions.agent_conflict", "user", { ...base, agentTwinId: agent, signers: [{ twinId: agent, weight: 1 }], thresholds });
    chain.refuse("twins.not_found", "user", { ...base, agentTwinId: 999 as typeof user, signers: [one], thresholds });
    makeSolution(chain);
    chain.refuse("solutions.name_taken", "user", { ...base, name: "guestbook", agentTwinId: agent, signers: [one], thresholds });
  });
});

describe("parts", () => {
  it("are made, changed and ended by the agent only", () => {
    const chain = world();
    const solution = makeSolution(chain);
    for (const human of ["user", "farmer"]) chain.refuse("solutions.agent_only", human, partCall(chain, solution));
    chain.do("agent", partCall(chain, solution));
    const [part] = chain.read.contracts({ solutionId: solution.id, active: true });
    expect(part).toMatchObject({ twinId: chain.twin("user"), solutionId: solution.id, escrowUnits: 0n });
    chain.refuse("solutions.agent_only", "user", { type: "contracts.cancel", contractId: part!.id });
    chain.refuse("contracts.part_of_solution", "user", { type: "contracts.deposit", contractId: part!.id, amountUnits: 1n });
    chain.refuse("contracts.part_of_solution", "agent", partCall(chain, solution, { depositUnits: 1n }));
    chain.do("agent", { type: "contracts.cancel", contractId: part!.id });
    expect(chain.read.contract(part!.id)).toMatchObject({ state: "deleted", deletedCause: "canceled_by_agent" });
    expect(solutionOf(chain).parts).toEqual([]);
  });

  it("stay within the budget and the deposit", () => {
    const chain = world();
    // One part costs 8,855,000 units an hour: two do not fit.
    const solution = makeSolution(chain, { budgetPerHourUnits: 17_709_999n });
    chain.do("agent", partCall(chain, solution));
    const { error } = chain.refuse("solutions.over_budget", "agent", partCall(chain, solution, { networks: [] }));
    expect(error?.details).toMatchObject({ costPerHourUnits: "17710000", budgetPerHourUnits: "17709999" });
    const [part] = chain.read.contracts({ solutionId: solution.id, active: true });
    const update = {
      type: "contracts.update_node",
      contractId: part!.id,
      solutionVersion: 1,
      instruction: cid("2"),
      networks: [],
    } as const;
    chain.refuse("solutions.over_budget", "agent", {
      ...update,
      resources: { ...zeroResources, cpuMilli: 16_000, memoryBytes: 64 * 2 ** 30 },
    });
    const poor = makeSolution(chain, { name: "poor", depositUnits: 1_000n });
    chain.refuse("solutions.escrow_empty", "agent", partCall(chain, poor));
    chain.do("user", { type: "solutions.deposit", solutionId: poor.id, amountUnits: TFT });
    chain.do("agent", partCall(chain, poor));
  });

  it("share a network: one range, each subnet on one node", () => {
    const chain = world();
    const solution = makeSolution(chain);
    chain.do("agent", partCall(chain, solution));
    const onNode2 = { nodeId: chain.nodeOf("node2"), resources: { ...zeroResources, cpuMilli: 100 } };
    chain.refuse("contracts.network_conflict", "agent", partCall(chain, solution, onNode2));
    chain.refuse("contracts.network_conflict", "agent", partCall(chain, solution, { ...onNode2, networks: [share(2, "10.99.0.0/16")] }));
    chain.do("agent", partCall(chain, solution, { ...onNode2, networks: [share(2)] }));
    // The node is lost: in one batch its part ends and its subnet moves to the other node.
    const [first] = chain.read.contracts({ nodeId: chain.nodeOf("node1"), active: true });
    chain.do("agent", { type: "contracts.cancel", contractId: first!.id }, partCall(chain, solution, { ...onNode2, networks: [share(1)] }));
  });

  it("the agent's word becomes the solution's state", () => {
    const chain = world();
    const solution = makeSolution(chain);
    const word = {
      type: "solutions.set_state",
      solutionId: solution.id,
      version: 1,
      state: "running",
      code: "ok",
      message: "All is well.",
    } as const;
    chain.refuse("solutions.agent_only", "user", word);
    chain.refuse("solutions.stale_version", "agent", { ...word, version: 2 });
    chain.do("agent", word);
    expect(solutionOf(chain)).toMatchObject({ state: "running", note: { code: "ok", atMs: chain.timeMs } });
  });
});

describe("members", () => {
  it("get addresses of index 0 of a running network", () => {
    const chain = world();
    const solution = makeSolution(chain);
    const add = (name: string, key = name): Call => ({
      type: "solutions.add_member",
      solutionId: solution.id,
      name,
      network: "net",
      publicKey: keyOf(key).encryptionKey,
    });
    chain.refuse("solutions.network_unknown", "user", add("laptop"));
    chain.do("agent", partCall(chain, solution));
    chain.refuse("solutions.not_a_signer", "other", add("laptop"));
    chain.do("user", add("laptop"), add("phone"));
    chain.refuse("solutions.member_exists", "user", add("laptop", "x"));
    chain.refuse("solutions.member_exists", "user", add("third", "phone"));
    expect(solutionOf(chain).members.map(({ ip }) => ip)).toEqual(["10.20.0.2", "10.20.0.3"]);
    chain.refuse("solutions.not_a_signer", "other", { type: "solutions.remove_member", solutionId: solution.id, name: "laptop" });
    chain.do("user", { type: "solutions.remove_member", solutionId: solution.id, name: "laptop" });
    chain.refuse("solutions.member_not_found", "user", { type: "solutions.remove_member", solutionId: solution.id, name: "laptop" });
    chain.do("user", add("tablet"));
    expect(solutionOf(chain).members.map(({ name, ip }) => [name, ip])).toEqual([
      ["phone", "10.20.0.3"],
      ["tablet", "10.20.0.2"],
    ]);
  });
});

describe("the notary", () => {
  it("anchors a document once; parties only may name a contract or solution", () => {
    const chain = world();
    const solution = makeSolution(chain);
    const anchor: Call = { type: "notary.anchor", document: cid("doc"), contractId: null, solutionId: solution.id };
    chain.refuse("notary.not_a_party", "other", anchor);
    chain.do("user", anchor);
    const first = chain.read.anchor(cid("doc"));
    expect(first).toMatchObject({ author: chain.twin("user"), height: chain.height, timeMs: chain.timeMs, solutionId: solution.id });
    chain.do("agent", anchor, nodeCall(chain));
    expect(chain.read.anchor(cid("doc"))).toEqual(first);
    chain.refuse("solutions.not_found", "farmer", { ...anchor, solutionId: 77 as typeof solution.id });
    chain.do("user", { type: "accounts.transfer", to: accountOf("stranger"), amountUnits: TFT });
    chain.refuse("twins.unknown_signer", "stranger", { ...anchor, solutionId: null });
  });
});
