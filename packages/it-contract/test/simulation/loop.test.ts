import { describe, expect, it } from "vitest";
import { silentLogger, type SolutionId, systemClock } from "@tfgrid/primitives";
import { startAgent } from "../../src/index.ts";
import type { ClientOptions } from "./ledger.ts";
import { keyOf } from "./ledger.ts";
import { guestbook, World } from "./world.ts";

async function started(world: World, options: { readonly client?: ClientOptions; readonly resyncMs?: number } = {}) {
  return startAgent({
    chain: world.sim.client(options.client),
    notary: world.notary,
    keyPair: keyOf("agent"),
    twinId: world.sim.twin("agent"),
    clock: { nowMs: () => world.sim.timeMs, sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal) },
    logger: silentLogger,
    resyncMs: options.resyncMs ?? 60_000,
  });
}

async function runs(world: World, id: SolutionId): Promise<void> {
  await expect.poll(() => world.solution(id).state).toBe("running");
}

async function carryOut(world: World, id: SolutionId): Promise<void> {
  const state = async () => {
    await world.nodesWork();
    return world.solution(id).state;
  };
  await expect.poll(state, { interval: 20 }).toBe("running");
}

describe("the agent's loop", () => {
  it("acts on events: accepted, reported, node down", async () => {
    const world = new World({ nodes: 4 });
    const agent = await started(world);
    const id = await world.deploy(guestbook());
    await expect.poll(() => world.nodeContracts(id)).toHaveLength(4);
    await carryOut(world, id);
    const before = await world.placement(id);
    const [, lost] = Object.entries(before).find(([name, node]) => name.startsWith("web-") && node !== before["store-1"])!;
    world.kill(lost);
    await expect.poll(async () => Object.values(await world.placement(id))).not.toContain(lost);
    await carryOut(world, id);
    await agent.stop();
    const height = world.sim.height();
    await world.amend(id, guestbook({ replicas: 1 }));
    expect(world.sim.height()).toBe(height + 1);
  });

  it("finds what lost events did not tell, by looking again", async () => {
    const world = new World();
    const agent = await started(world, { client: { loseEvents: () => true }, resyncMs: 30 });
    const id = await world.deploy(guestbook());
    await carryOut(world, id);
    await runs(world, id);
    await agent.stop();
  });

  it("picks up what was accepted while it was away", async () => {
    const world = new World();
    const id = await world.deploy(guestbook());
    const agent = await started(world);
    await carryOut(world, id);
    await agent.stop();
  });

  it("goes on with other solutions while one cannot be placed, and with that one when there is room", async () => {
    const world = new World({ nodes: 3 });
    const agent = await started(world);
    const huge = await world.deploy(guestbook({ replicas: 5 }).replace("name: guestbook\nx-grid", "name: huge\nx-grid").replace("name: guestbook, port", "name: huge, port"));
    const id = await world.deploy(guestbook());
    await carryOut(world, id);
    expect(world.solution(huge)).toMatchObject({ state: "failed", note: { code: "it_contract.no_capacity" } });
    world.addNode("node8");
    world.addNode("node9");
    await carryOut(world, huge);
    await agent.stop();
  });
});
