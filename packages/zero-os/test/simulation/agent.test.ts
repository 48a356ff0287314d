import { describe, expect, it } from "vitest";
import { type ContractId, keyPairFromSeed, seal, utf8 } from "@tfgrid/primitives";
import { NODE_LIMITS } from "../../src/limits.ts";
import { zmachineKey } from "../../src/provisioning/keys.ts";
import {
  amend,
  deploy,
  httpCheck,
  image,
  instructionFor,
  newAgent,
  newWorld,
  NODE_SEED,
  registeredAgent,
  spec,
  volumeMount,
  type World,
} from "../support/fixtures.ts";
import { seeded } from "../support/random.ts";

const fresh = (): World => newWorld(seeded(1));
const reportOf = (world: World, id: ContractId) => world.chain.node(id).report;
const stateOf = (world: World, id: ContractId, name: string) => reportOf(world, id)?.zmachines.find((entry) => entry.name === name)?.state;

async function deployed(zmachines = [spec("web-1")], volumes: readonly string[] = []) {
  const world = fresh();
  const { agent, nodeId } = await registeredAgent(world);
  const solutionId = world.chain.addSolution(world.owner.twinId, world.bot.twinId);
  const instruction = instructionFor({ nodeId, solutionId, zmachines, volumes });
  const id = deploy(world, instruction);
  return { world, agent, nodeId, solutionId, instruction, id };
}

describe("a 3Node agent", () => {
  it("registers once, finds itself again and updates a changed profile only", async () => {
    const world = fresh();
    const { agent } = await registeredAgent(world);
    await agent.stop();
    const before = world.chain.submitted.length;
    const again = await registeredAgent(world);
    await again.agent.stop();
    expect(world.chain.nodes.size).toBe(1);
    expect(world.chain.submitted.slice(before).filter(({ type }) => type !== "nodes.heartbeat")).toEqual([]);
    const moved = await registeredAgent(world, { relays: ["/ip4/192.0.2.9/tcp/1"] });
    await moved.agent.stop();
    expect(world.chain.submitted.map(({ type }) => type)).toContain("twins.update");
  });

  it("sends heartbeats in its slot while provisioning hangs", async () => {
    const world = fresh();
    const gate = (step: string): Promise<void> => (step.startsWith("pull") ? new Promise(() => undefined) : Promise.resolve());
    const { nodeId } = await registeredAgent(world, { gate });
    deploy(world, instructionFor({ nodeId, solutionId: world.chain.addSolution(world.owner.twinId, world.bot.twinId), zmachines: [spec("web-1")] }));
    const before = world.chain.submitted.length;
    await world.clock.advance(50_000);
    const beats = world.chain.submitted.slice(before).filter(({ type }) => type === "nodes.heartbeat");
    expect(beats.length).toBe(10);
  });

  it("carries out an instruction and reports running within a second", async () => {
    const { world, id, agent } = await deployed([spec("web-1"), spec("db-1", { mounts: [volumeMount("data")] })], ["data"]);
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    expect(reportOf(world, id)).toMatchObject({
      version: 1,
      networks: [{ name: "default", port: 40_000 }],
      zmachines: [
        { name: "web-1", state: "running", addresses: [{ network: "default", ip: "10.64.1.2" }] },
        { name: "db-1", state: "running" },
      ],
    });
    await agent.stop();
    expect(world.machine.zmachines.get(zmachineKey(id, "web-1"))?.state).toBe("running");
  });

  it("leaves running zmachines alone over a restart without ledger and notary", async () => {
    const { world, id, agent } = await deployed();
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    await agent.stop();
    world.chain.setDown(true);
    world.chain.notaryDown = true;
    const logged = world.machine.log.length;
    const next = newAgent(world);
    await next.start();
    await world.clock.advance(120_000);
    expect(world.machine.log.slice(logged)).toEqual([]);
    await next.stop();
  });

  it("starts the last known good state after a power cut without ledger and notary", async () => {
    const { world, id, agent } = await deployed([spec("db-1", { mounts: [volumeMount("data")], restart: { condition: "none", delayMs: 0, maxAttempts: 0, windowMs: 0 } })], ["data"]);
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    await agent.stop();
    world.machine.powerCycle();
    world.chain.setDown(true);
    world.chain.notaryDown = true;
    const next = newAgent(world);
    await next.start();
    await world.clock.advance(5_000);
    expect(world.machine.zmachines.get(zmachineKey(id, "db-1"))?.state).toBe("running");
    expect(world.machine.volumes.size).toBe(1);
    await next.stop();
  });

  it("removes everything of a contract that ended, and nothing while the ledger cannot be read", async () => {
    const { world, id, agent } = await deployed([spec("db-1", { mounts: [volumeMount("data")] })], ["data"]);
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    await agent.stop();
    world.disk.contracts.clear();
    world.chain.setDown(true);
    const next = newAgent(world);
    await next.start();
    await world.clock.advance(120_000);
    expect(world.machine.zmachines.size).toBe(1);
    world.chain.setDown(false);
    world.chain.setState(id, "deleted");
    await world.clock.advance(120_000);
    const { zmachines, volumes, znets, attachments } = world.machine;
    expect([zmachines.size, volumes.size, znets.size, attachments.size]).toEqual([0, 0, 0, 0]);
    await next.stop();
  });

  it("does not believe a ledger that is behind what it saw", async () => {
    const { world, id, agent } = await deployed();
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    const contract = world.chain.node(id);
    const height = world.chain.height;
    world.chain.contracts.delete(id);
    world.chain.height = 1;
    await world.clock.advance(90_000);
    expect(world.machine.zmachines.size).toBe(1);
    world.chain.height = height;
    world.chain.contracts.set(id, contract);
    await world.clock.advance(90_000);
    expect(world.machine.log.filter((line) => line.startsWith("remove"))).toEqual([]);
    await agent.stop();
  });

  it("pauses in grace, keeps volumes and resumes", async () => {
    const { world, id, agent } = await deployed([spec("db-1", { mounts: [volumeMount("data")] })], ["data"]);
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    world.chain.setState(id, "grace");
    await world.clock.until(() => reportOf(world, id)?.state === "paused", { withinMs: 5_000, what: "paused" });
    await world.clock.advance(60_000);
    expect(world.machine.zmachines.get(zmachineKey(id, "db-1"))?.state).toBe("exited");
    expect(world.machine.volumes.size).toBe(1);
    expect(stateOf(world, id, "db-1")).toBe("stopped");
    world.chain.setState(id, "created");
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 5_000, what: "running again" });
    expect(reportOf(world, id)?.zmachines[0]?.restarts).toBe(0);
    await agent.stop();
  });

  it("refuses altered, foreign and mismatching instructions and keeps what runs", async () => {
    const { world, id, instruction, agent } = await deployed();
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    const expectCode = async (code: string): Promise<void> => {
      await world.clock.until(() => reportOf(world, id)?.code === code, { withinMs: 5_000, what: code });
      expect(reportOf(world, id)).toMatchObject({ version: 1, state: "failed", zmachines: [{ state: "running" }] });
    };
    const changed = { ...instruction, solutionVersion: 2 };
    const stranger = { keys: keyPairFromSeed(new Uint8Array(32).fill(77)), twinId: world.chain.addTwin(keyPairFromSeed(new Uint8Array(32).fill(77))) };
    world.chain.update(id, changed, world.chain.putInstruction(changed, stranger));
    await expectCode("node.instruction_foreign_author");
    const cid = world.chain.putInstruction({ ...instruction, solutionVersion: 3 }, world.bot);
    const document = world.chain.documents.get(cid);
    const other = world.chain.documents.get(world.chain.putInstruction({ ...instruction, solutionVersion: 4 }, world.bot));
    world.chain.documents.set(cid, { ...(document as NonNullable<typeof document>), bytes: other?.bytes as Uint8Array });
    world.chain.update(id, instruction, cid);
    await expectCode("node.instruction_altered");
    amend(world, id, { ...instruction, nodeId: (instruction.nodeId + 1) as typeof instruction.nodeId });
    await expectCode("node.instruction_mismatch");
    expect(world.machine.log).toEqual([`start ${zmachineKey(id, "web-1")}`]);
    await agent.stop();
  });

  it("restarts what crashes, gives up after the allowed attempts, and starts anew with a new version", async () => {
    const restart = { condition: "on-failure", delayMs: 100, maxAttempts: 2, windowMs: 60_000 } as const;
    const { world, id, instruction, agent } = await deployed([spec("job-1", { restart })]);
    const key = zmachineKey(id, "job-1");
    for (let round = 0; round < 3; round += 1) {
      await world.clock.until(() => world.machine.zmachines.get(key)?.state === "running", { withinMs: 5_000, what: `run ${round}` });
      world.machine.exit(key, 3);
    }
    await world.clock.until(() => stateOf(world, id, "job-1") === "failed", { withinMs: 5_000, what: "failed" });
    expect(reportOf(world, id)).toMatchObject({ state: "failed", code: "node.restarts_exhausted", zmachines: [{ restarts: 2 }] });
    amend(world, id, { ...instruction, zmachines: instruction.zmachines.map((entry) => ({ ...entry, command: ["again"] })) });
    await world.clock.until(() => stateOf(world, id, "job-1") === "running", { withinMs: 5_000, what: "running" });
    await agent.stop();
  });

  it("probes, tells healthy and unhealthy, and restarts what stays unhealthy", async () => {
    const { world, id, agent } = await deployed([spec("web-1", { healthcheck: httpCheck })]);
    const key = zmachineKey(id, "web-1");
    await world.clock.until(() => stateOf(world, id, "web-1") === "healthy", { withinMs: 1_000, what: "healthy" });
    const first = world.machine.zmachines.get(key)?.startedAtMs;
    world.machine.unhealthy.add(key);
    await world.clock.until(() => world.machine.zmachines.get(key)?.startedAtMs !== first, { withinMs: 10_000, what: "restarted" });
    world.machine.unhealthy.delete(key);
    await world.clock.until(() => stateOf(world, id, "web-1") === "healthy", { withinMs: 10_000, what: "healthy again" });
    expect(reportOf(world, id)?.zmachines[0]?.restarts).toBe(1);
    await agent.stop();
  });

  it("waits for dependencies here and on other nodes", async () => {
    const world = fresh();
    const { agent, nodeId } = await registeredAgent(world);
    const solutionId = world.chain.addSolution(world.owner.twinId, world.bot.twinId);
    const dependsOn = [
      { service: "db", condition: "service_healthy" },
      { service: "migrate", condition: "service_completed_successfully" },
    ] as const;
    const none = { condition: "none", delayMs: 0, maxAttempts: 0, windowMs: 0 } as const;
    const id = deploy(world, instructionFor({ nodeId, solutionId, zmachines: [spec("web-1", { dependsOn }), spec("migrate-1", { restart: none })] }));
    const elsewhere = instructionFor({ nodeId: 999 as typeof nodeId, solutionId, zmachines: [] });
    const remote = deploy(world, elsewhere);
    await world.clock.advance(2_000);
    expect(stateOf(world, id, "web-1")).toBe("waiting");
    world.machine.exit(zmachineKey(id, "migrate-1"), 0);
    await world.clock.advance(2_000);
    expect(stateOf(world, id, "web-1")).toBe("waiting");
    const contract = world.chain.node(remote);
    const zmachine = { name: "db-1", service: "db", state: "healthy", startedAtMs: 0, restarts: 0, addresses: [], aliases: [] } as const;
    world.chain.contracts.set(remote, { ...contract, report: { version: 1, state: "running", networks: [], zmachines: [zmachine], routes: [] } });
    world.chain.block([{ type: "contracts.reported", contractId: remote, nodeId: contract.nodeId, version: 1, state: "running", solutionId }]);
    await world.clock.until(() => stateOf(world, id, "web-1") === "running", { withinMs: 2_000, what: "web runs" });
    expect(stateOf(world, id, "migrate-1")).toBe("exited");
    expect(reportOf(world, id)?.state).toBe("running");
    await agent.stop();
  });

  it("lets a slow pull of one contract block no other", async () => {
    const world = fresh();
    const slow = image("slow").digest;
    const gate = (step: string): Promise<void> => (step === `pull ${slow}` ? new Promise(() => undefined) : Promise.resolve());
    const { nodeId } = await registeredAgent(world, { gate });
    const solution = () => world.chain.addSolution(world.owner.twinId, world.bot.twinId);
    const stuck = deploy(world, instructionFor({ nodeId, solutionId: solution(), zmachines: [spec("web-1", { image: image("slow") })] }));
    const quick = deploy(world, instructionFor({ nodeId, solutionId: solution(), zmachines: [spec("web-1")] }));
    await world.clock.until(() => reportOf(world, quick)?.state === "running", { withinMs: 1_000, what: "quick one runs" });
    expect(stateOf(world, stuck, "web-1")).toBe("pulling");
  });

  it("keeps retrying a failing pull and says why", async () => {
    const world = fresh();
    const { nodeId } = await registeredAgent(world);
    const missing = image("missing");
    world.machine.missingImages.add(missing.digest);
    const solutionId = world.chain.addSolution(world.owner.twinId, world.bot.twinId);
    const id = deploy(world, instructionFor({ nodeId, solutionId, zmachines: [spec("web-1", { image: missing })] }));
    await world.clock.until(() => reportOf(world, id)?.state === "failed", { withinMs: 5_000, what: "failed" });
    expect(reportOf(world, id)?.zmachines[0]?.message).toContain("no such image");
    world.machine.missingImages.clear();
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 70_000, what: "running" });
  });

  it("replaces replicas one after the other and stops at one that does not work", async () => {
    const replicas = [1, 2, 3].map((index) => spec(`web-${index}`, { healthcheck: httpCheck }));
    const { world, id, instruction } = await deployed(replicas);
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 2_000, what: "running" });
    const keys = replicas.map(({ name }) => zmachineKey(id, name));
    const hashes = keys.map((key) => world.machine.zmachines.get(key)?.specHash);
    world.machine.unhealthy.add(keys[0] as string);
    amend(world, id, { ...instruction, zmachines: instruction.zmachines.map((entry) => ({ ...entry, command: ["new"] })) });
    await world.clock.advance(30_000);
    expect(world.machine.zmachines.get(keys[0] as string)?.specHash).not.toBe(hashes[0]);
    expect(keys.slice(1).map((key) => world.machine.zmachines.get(key)?.specHash)).toEqual(hashes.slice(1));
    world.machine.unhealthy.clear();
    let fewest = 3;
    await world.clock.until(
      () => {
        fewest = Math.min(fewest, keys.filter((key) => world.machine.zmachines.get(key)?.state === "running").length);
        return keys.every((key, index) => world.machine.zmachines.get(key)?.specHash !== hashes[index]) && reportOf(world, id)?.version === 2;
      },
      { withinMs: 60_000, what: "all replaced" },
    );
    expect(fewest).toBeGreaterThanOrEqual(2);
  });

  it("opens secrets for this node only and does not replace a zmachine when the same secret is sealed again", async () => {
    const world = fresh();
    const { nodeId } = await registeredAgent(world);
    const solutionId = world.chain.addSolution(world.owner.twinId, world.bot.twinId);
    const context = `solution/${solutionId}/node/${nodeId}/secret/password`;
    const { encryptionKey } = keyPairFromSeed(new Uint8Array(32).fill(NODE_SEED));
    const sealed = (to = encryptionKey) => {
      const box = seal({ to, plaintext: utf8("hunter2"), context, entropy: world.random });
      return spec("web-1", { files: [{ target: "/run/secrets/password", mode: 0o400, uid: 0, gid: 0, content: { type: "sealed", name: "password", box } }] });
    };
    const instruct = (zmachine: ReturnType<typeof spec>) => instructionFor({ nodeId, solutionId, zmachines: [zmachine] });
    const id = deploy(world, instruct(sealed()));
    const key = zmachineKey(id, "web-1");
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    expect(world.machine.zmachines.get(key)?.files[0]?.bytes).toEqual(utf8("hunter2"));
    amend(world, id, instruct(sealed()));
    await world.clock.until(() => reportOf(world, id)?.version === 2, { withinMs: 5_000, what: "version 2" });
    expect(world.machine.log).toEqual([`start ${key}`]);
    amend(world, id, instruct(sealed(world.bot.keys.encryptionKey)));
    await world.clock.until(() => reportOf(world, id)?.zmachines[0]?.code === "node.secret_cannot_open", { withinMs: 5_000, what: "code" });
    expect(world.machine.zmachines.get(key)?.state).toBe("running");
  });

  it("reports again what the ledger has lost", async () => {
    const { world, id } = await deployed();
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    world.chain.contracts.set(id, { ...world.chain.node(id), report: null });
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: NODE_LIMITS.syncIntervalMs + 10_000, what: "reported again" });
  });

  it("sends no report while nothing changes", async () => {
    const { world, id } = await deployed([spec("web-1", { healthcheck: httpCheck })]);
    await world.clock.until(() => reportOf(world, id)?.state === "running", { withinMs: 1_000, what: "running" });
    const before = world.chain.submitted.length;
    await world.clock.advance(300_000);
    expect(world.chain.submitted.slice(before).filter(({ type }) => type === "contracts.report")).toEqual([]);
  });
});
