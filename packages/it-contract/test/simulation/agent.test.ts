import { describe, expect, it } from "vitest";
import type { SolutionId } from "@tfgrid/primitives";
import { open } from "@tfgrid/primitives";
import { keyOf, TFT } from "./ledger.ts";
import { digestOf, guestbook, World } from "./world.ts";

const nodesOf = async (world: World, id: SolutionId, service: string): Promise<string[]> =>
  Object.entries(await world.placement(id)).flatMap(([name, node]) => (name.startsWith(`${service}-`) ? [node] : [])).sort();

describe("the agent", () => {
  it("deploys in one batch, opens and seals secrets, and says that it runs", async () => {
    const world = new World();
    const id = await world.deploy(guestbook());
    const heightBefore = world.sim.height();
    await world.look(id);
    expect(world.sim.height()).toBe(heightBefore + 1);
    expect(world.contracts(id).map((contract) => contract.type).sort()).toEqual(["name", "node", "node", "node", "node"]);
    expect(new Set(await nodesOf(world, id, "web")).size).toBe(2);
    await world.settle(id);
    expect(world.solution(id)).toMatchObject({ state: "running", note: { code: "it_contract.running" } });
    const [web] = world.nodeContracts(id).filter((contract) => contract.report?.zmachines.some((item) => item.service === "web"));
    const instruction = await world.instruction(web!);
    const file = instruction.zmachines[0]?.files[0];
    const node = world.nodeNames.find((name) => world.sim.node(name) === web!.nodeId)!;
    const box = file?.content.type === "sealed" ? file.content.box : undefined;
    const opened = open({ secret: keyOf(node).encryptionSecret, box: box!, context: `solution/${id}/node/${web!.nodeId}/secret/token` });
    expect(new TextDecoder().decode(opened)).toBe("s3cret");
    expect(world.sim.invariants()).toEqual([]);
  });

  it("does nothing more when all is well, also after a restart", async () => {
    const world = new World();
    const id = await world.deploy(guestbook());
    await world.settle(id);
    const height = world.sim.height();
    await world.look(id);
    await world.look(id);
    expect(world.sim.height()).toBe(height);
  });

  it("replaces what a lost node held in one batch, and lets a volume wait", async () => {
    const world = new World({ nodes: 4 });
    const id = await world.deploy(guestbook());
    await world.settle(id);
    const before = await world.placement(id);
    const [lostName, lostNode] = Object.entries(before).find(([name, node]) => name.startsWith("web-") && node !== before["store-1"])!;
    world.kill(lostNode);
    const height = world.sim.height();
    await world.look(id);
    expect(world.sim.height()).toBe(height + 1);
    const after = await world.placement(id);
    expect(after[lostName]).toBeUndefined();
    expect(await nodesOf(world, id, "web")).toHaveLength(2);
    expect(world.nodeContracts(id).some((contract) => contract.nodeId === world.sim.node(lostNode))).toBe(false);
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");

    const store = after["store-1"]!;
    world.kill(store);
    await world.settle(id);
    expect((await world.placement(id))["store-1"]).toBe(store);
    expect(world.solution(id)).toMatchObject({ state: "degraded", note: { code: "it_contract.node_lost" } });
    world.revive(store);
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
    expect((await world.placement(id))["store-1"]).toBe(store);
  });

  it("keeps a lost replica in its contract when there is no room elsewhere, and takes it back", async () => {
    const world = new World({ nodes: 2 });
    const id = await world.deploy(guestbook({ extra: "" }).replace("spread: node", "spread: node, nodes: [1, 2]"));
    await world.settle(id);
    const before = await world.placement(id);
    const lost = Object.values(before).find((node) => node !== before["store-1"])!;
    world.kill(lost);
    await world.settle(id);
    expect(world.solution(id)).toMatchObject({ state: "degraded", note: { code: "it_contract.no_capacity" } });
    expect(await world.placement(id)).toEqual(before);
    world.revive(lost);
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
  });

  it.each([1, 2])("rolls out a new version start-first without ever having fewer than before (parallelism %i)", async (parallelism) => {
    const world = new World({ nodes: 4 });
    const update = `{ order: start-first, monitor: 1s, parallelism: ${parallelism} }`;
    const id = await world.deploy(guestbook({ update }));
    await world.settle(id);
    world.lowest = new Map();
    await world.amend(id, guestbook({ webImage: "2", update }));
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
    expect(world.lowest.get("web")).toBeGreaterThanOrEqual(2);
    const images = new Set<string>();
    for (const contract of world.nodeContracts(id)) for (const zmachine of (await world.instruction(contract)).zmachines) images.add(zmachine.image.reference);
    expect([...images].sort()).toEqual(["store:1", "web:2"]);
    expect(await nodesOf(world, id, "web")).toHaveLength(2);
  });

  it("rolls out stop-first one by one in place", async () => {
    const world = new World();
    const update = "{ order: stop-first, monitor: 1s }";
    const id = await world.deploy(guestbook({ update }));
    await world.settle(id);
    const before = await world.placement(id);
    await world.amend(id, guestbook({ webImage: "2", update }));
    await world.look(id);
    const changed = [];
    for (const contract of world.nodeContracts(id)) for (const item of (await world.instruction(contract)).zmachines) if (item.image.reference === "web:2") changed.push(item.name);
    expect(changed).toHaveLength(1);
    await world.settle(id);
    expect(await world.placement(id)).toEqual(before);
    expect(world.solution(id).state).toBe("running");
  });

  it("pauses an update whose first new zmachine fails, and goes on with the next version", async () => {
    const world = new World({ nodes: 4 });
    world.broken.add(digestOf("web:2"));
    const id = await world.deploy(guestbook());
    await world.settle(id);
    await world.amend(id, guestbook({ webImage: "2" }));
    await world.settle(id);
    expect(world.solution(id)).toMatchObject({ state: "degraded", note: { code: "it_contract.update_paused" } });
    expect(world.lowest.get("web")).toBeGreaterThanOrEqual(2);
    await world.amend(id, guestbook({ webImage: "3" }));
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
    expect(await nodesOf(world, id, "web")).toHaveLength(2);
  });

  it("undoes an update that fails when asked to roll back, and does not try it again", async () => {
    const world = new World({ nodes: 4 });
    world.broken.add(digestOf("web:2"));
    const update = "{ order: start-first, monitor: 1s, failure_action: rollback }";
    const id = await world.deploy(guestbook({ update }));
    await world.settle(id);
    const before = await world.placement(id);
    await world.amend(id, guestbook({ webImage: "2", update }));
    await world.settle(id);
    expect(world.solution(id)).toMatchObject({ state: "degraded", note: { code: "it_contract.rolled_back" } });
    expect(await world.placement(id)).toEqual(before);
    const height = world.sim.height();
    await world.look(id);
    expect(world.sim.height()).toBe(height);
  });

  it("scales up and down", async () => {
    const world = new World({ nodes: 4 });
    const id = await world.deploy(guestbook());
    await world.settle(id);
    await world.amend(id, guestbook({ replicas: 4 }));
    await world.settle(id);
    expect(new Set(await nodesOf(world, id, "web")).size).toBe(4);
    await world.amend(id, guestbook({ replicas: 1 }));
    await world.settle(id);
    expect(await nodesOf(world, id, "web")).toHaveLength(1);
    expect(world.solution(id).state).toBe("running");
  });

  it("moves replicas off a node that is being drained, before ending them there", async () => {
    const world = new World({ nodes: 4 });
    const id = await world.deploy(guestbook());
    await world.settle(id);
    const before = await world.placement(id);
    const drained = Object.entries(before).find(([name, node]) => name.startsWith("web-") && node !== before["store-1"])![1];
    world.lowest = new Map();
    world.do("farmer", { type: "nodes.set_maintenance", nodeId: world.sim.node(drained), mode: "drain", noticeUntilMs: 0 });
    await world.settle(id);
    expect(Object.values(await world.placement(id))).not.toContain(drained);
    expect(world.lowest.get("web")).toBeGreaterThanOrEqual(2);
    expect(world.solution(id).state).toBe("running");
  });

  it("moves the public name when its gateway is lost", async () => {
    const world = new World({ gateways: 2 });
    const id = await world.deploy(guestbook());
    await world.settle(id);
    const [name] = world.contracts(id).filter((contract) => contract.type === "name");
    const lost = world.nodeNames.find((node) => world.sim.node(node) === (name?.type === "name" ? name.gatewayNodeId : 0))!;
    world.kill(lost);
    await world.settle(id);
    const [moved] = world.contracts(id).filter((contract) => contract.type === "name");
    expect(moved?.type === "name" && moved.gatewayNodeId).not.toBe(world.sim.node(lost));
    expect(world.solution(id).state).toBe("running");
  });

  it("leaves nothing behind when it cannot place everything, and says why on the ledger", async () => {
    const world = new World({ nodes: 2 });
    const id = await world.deploy(guestbook({ replicas: 4 }));
    await expect(world.look(id)).rejects.toMatchObject({ code: "it_contract.no_capacity" });
    expect(world.contracts(id)).toEqual([]);
    expect(world.solution(id)).toMatchObject({ state: "failed", note: { code: "it_contract.no_capacity" } });
    expect(world.solution(id).note?.message).toMatch(/No node has room for web/);
    world.addNode("node9");
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
  });

  it("asks the ledger how nodes have done before it trusts them", async () => {
    const world = new World({ nodes: 2 });
    // One node shows itself for a while; the other comes, and is silent for half the time.
    world.kill("node2");
    world.pass(20 * 60_000, 2_500);
    world.revive("node2");
    const scores = () => new Map(world.sim.read.nodeReputations().map(({ nodeId, score }) => [nodeId as number, score]));
    const [good, poor] = [scores().get(world.sim.node("node1"))!, scores().get(world.sim.node("node2"))!];
    expect(good).toBeGreaterThan(poor + 100);
    const least = Math.floor((good + poor) / 2);
    const text = guestbook({ replicas: 1 }).replaceAll("image: store:1", `image: store:1\n    x-grid: { placement: { min_reputation: ${least} } }`).replace("spread: node", `min_reputation: ${least}`);
    const id = await world.deploy(text);
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
    expect(new Set(Object.values(await world.placement(id)))).toEqual(new Set(["node1"]));
    const strict = await world.deploy(text.replaceAll(`min_reputation: ${least}`, "min_reputation: 999").replaceAll("guestbook", "strict"));
    await expect(world.look(strict)).rejects.toMatchObject({ code: "it_contract.no_capacity", message: expect.stringContaining("of too little reputation") as string });
  });

  it("waits quietly for a part whose room was taken while the money was out, and goes on when it is free", async () => {
    const world = new World({ nodes: 2, gateways: 1 });
    // About twelve minutes' worth: the parts cost some 1.4 TFT an hour.
    const id = await world.deploy(guestbook(), 4_000_000n);
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
    for (let minutes = 0; minutes < 120 && world.solution(id).state !== "paused"; minutes += 1) world.pass(60_000);
    expect(world.solution(id).state).toBe("paused");
    const held = world.nodeContracts(id).find(({ nodeId }) => nodeId === world.sim.node("node1"))!;
    const { cpuMilli } = world.sim.read.node(held.nodeId)!.total;
    const resources = { cpuMilli, memoryBytes: 2 ** 20, ssdBytes: 0, hddBytes: 0 };
    const neighbour = { type: "contracts.create_node" as const, nodeId: held.nodeId, solutionId: null, instruction: held.instruction, resources, publicIps: 0, networks: [], depositUnits: 500n * TFT };
    world.do("other", neighbour);
    world.do("user", { type: "solutions.deposit", solutionId: id, amountUnits: 1_000n * TFT });
    expect(world.sim.read.contract(held.id)?.state).toBe("grace");
    // The agent neither fails nor spins: after a look or two there is nothing more to do until something changes.
    for (let look = 0; look < 3; look += 1) await world.look(id);
    const height = world.sim.height();
    await world.look(id);
    expect(world.sim.height()).toBe(height);
    expect(world.sim.invariants()).toEqual([]);
    const taken = world.sim.read.contracts({ twinId: world.sim.twin("other"), active: true })[0]!;
    world.do("other", { type: "contracts.cancel", contractId: taken.id });
    // Settlements ask again: once an hour here.
    for (let minutes = 0; minutes < 70 && world.contracts(id).some(({ state }) => state === "grace"); minutes += 1) world.pass(60_000);
    await world.settle(id);
    expect(world.solution(id).state).toBe("running");
    expect(world.contracts(id).map(({ state }) => state)).not.toContain("grace");
  });

  it("works on the node that its owner rents, and on nobody else's", async () => {
    const world = new World({ nodes: 3 });
    const rent = (node: string) => ({ type: "contracts.create_rent" as const, nodeId: world.sim.node(node), depositUnits: 500n * TFT });
    world.do("user", rent("node3"));
    world.do("other", rent("node1"));
    const id = await world.deploy(guestbook({ replicas: 1 }));
    await world.settle(id);
    expect(new Set(Object.values(await world.placement(id)))).toEqual(new Set(["node3"]));
    expect(world.nodeContracts(id).filter(({ nodeId }) => nodeId === world.sim.node("node3"))).toMatchObject([{ costPerHourUnits: 0n }]);
    expect(world.sim.invariants()).toEqual([]);
  });

  it("refuses to spend more than the budget", async () => {
    const world = new World();
    const id = await world.deploy(guestbook({ budget: "0.01 TFT/h" }));
    await expect(world.look(id)).rejects.toMatchObject({ code: "it_contract.over_budget" });
    expect(world.contracts(id)).toEqual([]);
    expect(world.solution(id).note?.code).toBe("it_contract.over_budget");
  });

  it("announces a deposit that lasts for little time", async () => {
    const world = new World();
    const id = await world.deploy(guestbook(), TFT);
    await world.settle(id);
    expect(world.solution(id)).toMatchObject({ state: "running", note: { code: "it_contract.escrow_low" } });
  });

  it("tells of a public name that is taken", async () => {
    const world = new World();
    world.do("other", { type: "contracts.create_name", name: "guestbook", gatewayNodeId: world.sim.node("gateway1"), solutionId: null, depositUnits: 100n * TFT });
    const id = await world.deploy(guestbook());
    await expect(world.look(id)).rejects.toMatchObject({ code: "contracts.name_taken" });
    expect(world.contracts(id)).toEqual([]);
    expect(world.solution(id)).toMatchObject({ state: "failed", note: { code: "contracts.name_taken" } });
  });

  it("touches nothing of solutions that name another agent or were cancelled", async () => {
    const world = new World();
    const id = await world.deploy(guestbook());
    await world.settle(id);
    world.do("user", { type: "solutions.cancel", solutionId: id });
    expect(world.contracts(id)).toEqual([]);
    const height = world.sim.height();
    await world.look(id);
    expect(world.sim.height()).toBe(height);
  });
});

class Crash extends Error {}

/** Runs a scenario, killing the agent at its n-th step, for every n, and lets a new one go on. */
async function crashEverywhere(prepare: (world: World) => Promise<SolutionId>, check: (world: World, id: SolutionId) => Promise<void>): Promise<number> {
  for (let crashAt = 1; ; crashAt += 1) {
    const world = new World({ nodes: 4 });
    const id = await prepare(world);
    const seen = { steps: 0, crashed: false };
    const onStep = (): void => {
      seen.steps += 1;
      if (seen.steps < crashAt || seen.crashed) return;
      seen.crashed = true;
      throw new Crash("killed");
    };
    for (let round = 0; round < 12 && !seen.crashed; round += 1) {
      await world.look(id, world.agent({ onStep })).catch((error: unknown) => {
        if (!(error instanceof Crash)) throw error;
      });
      await world.nodesWork();
      world.pass(2_000);
    }
    await world.settle(id);
    await check(world, id);
    expect(world.duplicates).toEqual([]);
    expect(world.sim.invariants()).toEqual([]);
    if (!seen.crashed) return crashAt;
  }
}

describe("an agent that is killed at any step", () => {
  it("deploys without duplicates or leftovers", async () => {
    const steps = await crashEverywhere(
      (world) => world.deploy(guestbook()),
      async (world, id) => {
        expect(world.solution(id).state).toBe("running");
        expect(Object.keys(await world.placement(id)).sort()).toEqual(["store-1", "web-1", "web-2"]);
        expect(world.contracts(id).filter((contract) => contract.type === "name")).toHaveLength(1);
      },
    );
    expect(steps).toBeGreaterThan(8);
  });

  it("finishes an update", async () => {
    await crashEverywhere(
      async (world) => {
        const id = await world.deploy(guestbook());
        await world.settle(id);
        world.lowest = new Map();
        await world.amend(id, guestbook({ webImage: "2" }));
        return id;
      },
      async (world, id) => {
        expect(world.solution(id).state).toBe("running");
        expect(world.lowest.get("web")).toBeGreaterThanOrEqual(2);
        expect(await nodesOf(world, id, "web")).toHaveLength(2);
      },
    );
  });
});
