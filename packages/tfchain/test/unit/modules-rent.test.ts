import { describe, expect, it } from "vitest";
import type { Call } from "../../src/types/calls.ts";
import type { Contract } from "../../src/types/entities.ts";
import type { ServiceId } from "../../src/types/ledger.ts";
import { type Chain, TFT, makeSolution, nodeCall, partCall, share, world } from "./runtime-harness.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const rentCall = (chain: Chain, depositUnits: bigint, node = "node1"): Call => ({
  type: "contracts.create_rent",
  nodeId: chain.nodeOf(node),
  depositUnits,
});
const all = (chain: Chain): readonly Contract[] => chain.read.contracts({});
const mainWorld = (): Chain => world({ params: { settlementIntervalMs: HOUR, heartbeatIntervalMs: 10 * MINUTE, graceMs: 24 * HOUR } });

describe("rent of a node", () => {
  it("costs half of all that the node has; what runs there costs nothing more", () => {
    const chain = mainWorld();
    chain.do("user", rentCall(chain, 10n * TFT));
    // 16 cores, 64 GiB, 1,000 GiB SSD: 16 CU and 5 SU: 16 x 0.03056 + 5 x 0.01944 = 0.58616 USD; half of it at 0.08: 3.6635 TFT.
    expect(all(chain)[0]).toMatchObject({ type: "rent", costPerHourUnits: 36_635_000n });
    chain.do("user", nodeCall(chain, { depositUnits: 0n }));
    expect(all(chain)[1]?.costPerHourUnits).toBe(0n);
    const before = ["farmer", "foundation", "pool"].map((name) => chain.free(name));
    chain.run(HOUR, { up: ["node1", "node2"], stepMs: 5 * MINUTE });
    // The rent began one block, 1 ms, before the hour that was waited for; its bill came at its own hour.
    expect(all(chain).map(({ billedUnits }) => billedUnits)).toEqual([36_635_000n, 0n]);
    const after = ["farmer", "foundation", "pool"].map((name) => chain.free(name));
    expect(after.map((units, index) => units - before[index]!)).toEqual([18_317_500n, 14_654_000n, 3_663_500n]);
  });

  it("is exclusive: the renter, and the agents of the renter's solutions", () => {
    const chain = world();
    const solution = makeSolution(chain);
    chain.do("user", rentCall(chain, 50n * TFT));
    expect(chain.read.rentByNode(chain.nodeOf("node1"))?.twinId).toBe(chain.twin("user"));
    chain.refuse("contracts.node_rented", "other", nodeCall(chain));
    chain.refuse("contracts.node_rented", "farmer", nodeCall(chain));
    chain.refuse("contracts.node_rented", "other", rentCall(chain, 50n * TFT));
    chain.do("agent", partCall(chain, solution));
    expect(all(chain)[1]).toMatchObject({ costPerHourUnits: 0n, solutionId: solution.id });
    // By the agent's own purse it is not the renter's.
    chain.refuse("contracts.node_rented", "agent", nodeCall(chain));
    chain.refuse("contracts.rent_in_use", "user", { type: "contracts.cancel", contractId: all(chain)[0]!.id });
    chain.do("agent", { type: "contracts.cancel", contractId: all(chain)[1]!.id });
    chain.do("user", { type: "contracts.cancel", contractId: all(chain)[0]!.id });
    expect(chain.read.rentByNode(chain.nodeOf("node1"))).toBeUndefined();
    chain.do("other", nodeCall(chain));
    chain.refuse("contracts.node_in_use", "user", rentCall(chain, 50n * TFT));
  });

  it("opens a dedicated farm's node", () => {
    const chain = world();
    const { id: farmId, name } = chain.read.farmByName("farm")!;
    chain.do("farmer", { type: "farms.update", farmId, name, dedicated: true });
    chain.refuse("contracts.node_dedicated", "user", nodeCall(chain));
    chain.do("user", rentCall(chain, 50n * TFT), nodeCall(chain));
  });

  it("pauses what runs there, goes on with it, and ends with it", () => {
    const chain = world({ params: { graceMs: MINUTE } });
    const solution = makeSolution(chain);
    chain.do("user", rentCall(chain, 400_000n));
    chain.do("agent", partCall(chain, solution, { networks: [share(1)] }));
    chain.do("user", nodeCall(chain, { depositUnits: TFT }));
    const states = () => all(chain).map(({ state }) => state);
    // 400,000 units last 39.3 s at 36,635,000 an hour.
    chain.run(41_000, { up: ["node1"], stepMs: 1_000 });
    expect(states()).toEqual(["grace", "grace", "grace"]);
    chain.refuse("contracts.in_grace", "user", nodeCall(chain));
    // Money in a contract's own purse does not help while the rent is not paid, nor for its solution.
    chain.do("user", { type: "contracts.deposit", contractId: all(chain)[2]!.id, amountUnits: TFT });
    expect(states()).toEqual(["grace", "grace", "grace"]);
    chain.do("user", { type: "contracts.deposit", contractId: all(chain)[0]!.id, amountUnits: 400_000n });
    expect(states()).toEqual(["created", "created", "created"]);
    chain.run(41_000, { up: ["node1"], stepMs: 1_000 });
    expect(states()).toEqual(["grace", "grace", "grace"]);
    chain.run(MINUTE + 5_000, { up: ["node1"], stepMs: 1_000 });
    expect(all(chain).map(({ deletedCause }) => deletedCause)).toEqual(["out_of_funds", "rent_ended", "rent_ended"]);
    expect(chain.read.node(chain.nodeOf("node1"))?.reserved.cpuMilli).toBe(0);
    expect(chain.held("user")).toBe(chain.read.solution(solution.id)!.escrowUnits);
  });

  it("is not billed while the node is down", () => {
    const chain = mainWorld();
    chain.do("user", rentCall(chain, 20n * TFT));
    const { createdAtMs } = all(chain)[0]!;
    chain.run(20 * MINUTE, { up: ["node1"], stepMs: 5 * MINUTE });
    const upMs = chain.read.node(chain.nodeOf("node1"))!.lastHeartbeatMs - createdAtMs;
    chain.run(2 * HOUR, { stepMs: 5 * MINUTE });
    expect(all(chain)[0]?.billedUnits).toBe((36_635_000n * BigInt(upMs)) / BigInt(HOUR));
  });
});

describe("service contracts", () => {
  const agreed = (depositUnits: bigint): { readonly chain: Chain; readonly serviceId: ServiceId } => {
    const chain = world();
    const [serviceTwinId, consumerTwinId] = [chain.twin("other"), chain.twin("user")];
    chain.do("user", { type: "services.create", serviceTwinId, consumerTwinId, baseUnitsPerHour: TFT, variableUnitsPerHour: 2n * TFT, metadata: "dns" });
    const serviceId = chain.read.services({})[0]!.id;
    chain.do("user", { type: "services.deposit", serviceId, amountUnits: depositUnits });
    chain.do("user", { type: "services.approve", serviceId, version: 1 });
    chain.do("other", { type: "services.approve", serviceId, version: 1 });
    return { chain, serviceId };
  };
  const bill = (serviceId: ServiceId, variableUnits: bigint): Call => ({ type: "services.bill", serviceId, variableUnits });

  it("bind both sides, and only by the fees that both saw", () => {
    const chain = world();
    const [serviceTwinId, consumerTwinId] = [chain.twin("other"), chain.twin("user")];
    const fees = { baseUnitsPerHour: TFT, variableUnitsPerHour: 0n, metadata: "" };
    chain.refuse("services.not_a_party", "farmer", { type: "services.create", serviceTwinId, consumerTwinId, ...fees });
    chain.refuse("services.same_party", "user", { type: "services.create", serviceTwinId: consumerTwinId, consumerTwinId, ...fees });
    chain.do("user", { type: "services.create", serviceTwinId, consumerTwinId, ...fees });
    const serviceId = chain.read.services({})[0]!.id;
    chain.do("user", { type: "services.approve", serviceId, version: 1 });
    chain.refuse("services.service_only", "user", { type: "services.update", serviceId, ...fees });
    chain.do("other", { type: "services.update", serviceId, ...fees, baseUnitsPerHour: 9n * TFT });
    chain.do("other", { type: "services.approve", serviceId, version: 2 });
    chain.refuse("services.not_agreed", "other", bill(serviceId, 0n));
    chain.refuse("services.stale_version", "user", { type: "services.approve", serviceId, version: 1 });
    chain.do("user", { type: "services.approve", serviceId, version: 2 });
    chain.refuse("services.already_agreed", "other", { type: "services.update", serviceId, ...fees });
    expect(chain.read.service(serviceId)).toMatchObject({ state: "agreed", version: 2 });
  });

  it("bill base and variable fee by time, an hour at most, all to the service", () => {
    const { chain, serviceId } = agreed(10n * TFT);
    const from = chain.timeMs;
    chain.run(30 * MINUTE - 1, { stepMs: MINUTE });
    // Half an hour: 0.5 TFT, and up to 1 TFT beside it.
    chain.refuse("services.variable_too_high", "other", bill(serviceId, TFT + 1n));
    const before = chain.free("other");
    chain.timeMs = from + 30 * MINUTE - 1;
    const { feeUnits } = chain.do("other", bill(serviceId, TFT));
    expect(chain.free("other") - before + feeUnits).toBe(15_000_000n);
    expect(chain.held("user")).toBe(85_000_000n);
    // Five hours later one hour is paid.
    chain.run(5 * HOUR, { stepMs: 10 * MINUTE });
    chain.do("other", bill(serviceId, 0n));
    expect(chain.read.service(serviceId)).toMatchObject({ billedUnits: 25_000_000n, escrowUnits: 75_000_000n });
  });

  it("end when the deposit does not cover a bill: what is there is paid", () => {
    const { chain, serviceId } = agreed(TFT / 2n);
    chain.run(HOUR, { stepMs: 10 * MINUTE });
    chain.do("other", bill(serviceId, 0n));
    expect(chain.read.service(serviceId)).toMatchObject({ state: "ended", endedCause: "out_of_funds", billedUnits: TFT / 2n, escrowUnits: 0n });
    chain.refuse("services.ended", "other", bill(serviceId, 0n));
  });

  it("settle the last partial hour when cancelled, and give the rest back", () => {
    const { chain, serviceId } = agreed(10n * TFT);
    chain.run(15 * MINUTE - 1, { stepMs: MINUTE });
    const before = chain.free("user");
    const { feeUnits } = chain.do("user", { type: "services.cancel", serviceId });
    // A quarter of an hour: 0.25 TFT.
    expect(chain.free("user") + feeUnits - before).toBe(97_500_000n);
    expect(chain.read.service(serviceId)).toMatchObject({ state: "ended", endedCause: "canceled_by_consumer", billedUnits: 2_500_000n });
    expect(chain.held("user")).toBe(0n);
  });
});
