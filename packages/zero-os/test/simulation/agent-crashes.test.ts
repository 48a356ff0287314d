/** The agent dies at any step, ledger, notary and drivers fail at random: what should be, is in the end, and nothing else. */
import type { Instruction, ZmachineSpec } from "@tfgrid/notary";
import type { ContractId, NodeId, SolutionId } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { zmachineKey, znetKey } from "../../src/provisioning/keys.ts";
import { amend, deploy, httpCheck, image, instructionFor, newAgent, newWorld, openGate, registeredAgent, spec, volumeMount, type World } from "../support/fixtures.ts";
import { seeded } from "../support/random.ts";
import { mortalGate } from "../support/sim-machine.ts";

function expectExactly(world: World, contracts: ReadonlyMap<ContractId, Instruction>): void {
  const { zmachines, volumes, znets, attachments } = world.machine;
  const wanted = [...contracts];
  const keys = wanted.flatMap(([id, { zmachines: list }]) => list.map(({ name }) => zmachineKey(id, name))).toSorted();
  expect([...zmachines.keys()].toSorted()).toEqual(keys);
  expect([...zmachines].filter(([, { state }]) => state !== "running").map(([key]) => key)).toEqual([]);
  expect([...attachments].toSorted()).toEqual(keys);
  expect([...volumes.keys()].toSorted()).toEqual(wanted.flatMap(([id, list]) => list.volumes.map(({ name }) => `${id}/${name}`)).toSorted());
  const networks = wanted.flatMap(([, { solutionId, networks: list }]) => list.map(({ name }) => znetKey(solutionId, name)));
  expect([...znets.keys()].toSorted()).toEqual(networks.toSorted());
  for (const [id, { zmachines: list }] of wanted) {
    const report = world.chain.node(id).report;
    expect(report).toMatchObject({ state: "running", version: world.chain.node(id).version });
    expect(report?.zmachines.map(({ name }) => name)).toEqual(list.map(({ name }) => name));
  }
}

function sample(nodeId: NodeId, solutionId: SolutionId): Instruction {
  const db = spec("db-1", { mounts: [volumeMount("data")], healthcheck: httpCheck });
  const web = spec("web-1", { image: image("web"), dependsOn: [{ service: "db", condition: "service_healthy" }] });
  return instructionFor({ nodeId, solutionId, zmachines: [db, web], volumes: ["data"] });
}

async function registeredWorld(seed: number): Promise<{ readonly world: World; readonly nodeId: NodeId }> {
  const world = newWorld(seeded(seed));
  const { agent, nodeId } = await registeredAgent(world);
  await agent.stop();
  return { world, nodeId };
}

const healed = async (world: World, ms = 200_000): Promise<void> => {
  const agent = newAgent(world, { gate: openGate });
  await agent.start();
  await world.clock.advance(ms);
  await agent.stop();
};

describe("an agent that dies", () => {
  it("at every single step of a deploy finishes it afterwards, starting each zmachine once", async () => {
    for (let step = 0; step <= 24; step += 1) {
      const { world, nodeId } = await registeredWorld(step);
      const life = mortalGate({ random: world.random, failures: () => 0, diesAfter: step });
      await newAgent(world, { gate: life.gate, isDead: life.dead }).start();
      const instruction = sample(nodeId, world.chain.addSolution(world.owner.twinId, world.bot.twinId));
      const id = deploy(world, instruction);
      await world.clock.advance(5_000);
      life.kill();
      await healed(world);
      expectExactly(world, new Map([[id, instruction]]));
      const starts = world.machine.log.filter((line) => line.startsWith("start")).toSorted();
      expect(starts, `died at step ${step}`).toEqual([`start ${zmachineKey(id, "db-1")}`, `start ${zmachineKey(id, "web-1")}`]);
    }
  });

  it("at every single step of an update keeps what did not change and replaces what did", async () => {
    for (let step = 0; step <= 20; step += 1) {
      const { world, nodeId } = await registeredWorld(step);
      const before = sample(nodeId, world.chain.addSolution(world.owner.twinId, world.bot.twinId));
      const id = deploy(world, before);
      await healed(world, 20_000);
      const untouched = world.machine.zmachines.get(zmachineKey(id, "db-1"))?.startedAtMs;
      const after = { ...before, zmachines: before.zmachines.map((entry) => (entry.name === "web-1" ? { ...entry, command: ["v2"] } : entry)) };
      const life = mortalGate({ random: world.random, failures: () => 0, diesAfter: step });
      await newAgent(world, { gate: life.gate, isDead: life.dead }).start();
      amend(world, id, after);
      await world.clock.advance(5_000);
      life.kill();
      await healed(world);
      expectExactly(world, new Map([[id, after]]));
      expect(world.machine.zmachines.get(zmachineKey(id, "db-1"))?.startedAtMs, `died at step ${step}`).toBe(untouched);
    }
  });

  it("at every single step of a removal leaves nothing in the end", async () => {
    for (let step = 0; step <= 12; step += 1) {
      const { world, nodeId } = await registeredWorld(step);
      const id = deploy(world, sample(nodeId, world.chain.addSolution(world.owner.twinId, world.bot.twinId)));
      await healed(world, 20_000);
      const life = mortalGate({ random: world.random, failures: () => 0, diesAfter: step });
      await newAgent(world, { gate: life.gate, isDead: life.dead }).start();
      world.chain.setState(id, "deleted");
      await world.clock.advance(5_000);
      life.kill();
      await healed(world);
      expectExactly(world, new Map());
      expect(world.disk.contracts.size).toBe(0);
    }
  });
});

describe("under random changes, deaths, outages and failures", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    it(`converges (seed ${seed})`, async () => {
      await runChaos(seed);
    });
  }
});

async function runChaos(seed: number): Promise<void> {
  const random = seeded(seed * 7919);
  const { world, nodeId } = await registeredWorld(seed);
  const contracts = new Map<ContractId, Instruction>();
  let life = mortalGate({ random, failures: () => 0.15, diesAfter: random.int(40) });
  await newAgent(world, { gate: life.gate, isDead: life.dead }).start();
  for (let round = 0; round < 12; round += 1) {
    change(world, { random, nodeId, contracts });
    if (random.chance(0.2)) world.chain.setDown(!world.chain.down);
    if (random.chance(0.2)) world.chain.notaryDown = !world.chain.notaryDown;
    if (random.chance(0.1)) world.machine.powerCycle();
    await world.clock.advance(random.pick([10, 200, 3_000, 40_000]));
    if (life.dead() || random.chance(0.3)) {
      life.kill();
      life = mortalGate({ random, failures: () => 0.15, diesAfter: random.int(40) });
      await newAgent(world, { gate: life.gate, isDead: life.dead }).start();
    }
  }
  life.kill();
  if (world.chain.down) world.chain.setDown(false);
  world.chain.notaryDown = false;
  await healed(world, 300_000);
  expectExactly(world, contracts);
  expect(world.chain.nodes.size).toBe(1);
}

interface Chaos {
  readonly random: ReturnType<typeof seeded>;
  readonly nodeId: NodeId;
  readonly contracts: Map<ContractId, Instruction>;
}

function change(world: World, { random, nodeId, contracts }: Chaos): void {
  const ids = [...contracts.keys()];
  if (ids.length === 0 || random.chance(0.35)) {
    const instruction = randomInstruction(random, nodeId, world.chain.addSolution(world.owner.twinId, world.bot.twinId));
    contracts.set(deploy(world, instruction), instruction);
    return;
  }
  const id = random.pick(ids);
  const before = contracts.get(id) as Instruction;
  switch (random.int(5)) {
    case 0:
      world.chain.setState(id, "deleted");
      contracts.delete(id);
      break;
    case 1:
      if (world.chain.node(id).state === "created") world.chain.setState(id, "grace");
      world.chain.setState(id, "created");
      break;
    case 2: {
      const running = [...world.machine.zmachines].filter(([, { state }]) => state === "running").map(([key]) => key);
      if (running.length > 0) world.machine.exit(random.pick(running), random.int(3));
      break;
    }
    default: {
      const after = randomInstruction(random, nodeId, before.solutionId);
      amend(world, id, after);
      contracts.set(id, after);
    }
  }
}

function randomInstruction(random: Chaos["random"], nodeId: NodeId, solutionId: SolutionId): Instruction {
  const volumes = ["data", "logs"].slice(0, random.int(3));
  const zmachines: ZmachineSpec[] = [];
  for (let index = 0; index < 1 + random.int(3); index += 1) {
    zmachines.push(
      spec(`${random.pick(["web", "db"])}-${index + 1}`, {
        image: image(random.pick(["app", "web", "other"])),
        command: [random.pick(["a", "b"])],
        healthcheck: random.chance(0.4) ? httpCheck : null,
        mounts: volumes.length > 0 && random.chance(0.5) ? [volumeMount(random.pick(volumes))] : [],
      }),
    );
  }
  return instructionFor({ nodeId, solutionId, zmachines, volumes });
}
