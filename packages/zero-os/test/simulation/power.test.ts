/** A 3Node that its farmer switches off and on, and one that wakes its sibling. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { NODE_LIMITS } from "../../src/limits.ts";
import { type PowerControl, machinePower, magicPacket, sendMagicPackets } from "../../src/power/control.ts";
import { type World, deploy, instructionFor, keysOf, newWorld, profile, registeredAgent, spec } from "../support/fixtures.ts";
import { seeded } from "../support/random.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/** Notes what it is asked for. */
class Switch implements PowerControl {
  readonly done: string[] = [];
  trouble: string | undefined;
  obstacle = async (): Promise<string | undefined> => this.trouble;
  off = async (): Promise<void> => void this.done.push("off");
  wake = async (mac: string): Promise<void> => void this.done.push(mac);
}

const SECOND = 1_000;
async function node(power: Switch | undefined) {
  const world: World = newWorld(seeded(1));
  const { agent, nodeId } = await registeredAgent(world, power === undefined ? {} : { power });
  await world.clock.advance(SECOND);
  const said = (type: string): number => world.chain.submitted.filter((call) => call.type === type).length;
  return { world, agent, nodeId, said };
}

describe("power", () => {
  it("wanted off: its last word, then silence; wanted on: heartbeats again", async () => {
    const power = new Switch();
    const { world, agent, nodeId, said } = await node(power);
    world.chain.setPower(nodeId, { target: "down" });
    await world.clock.advance(SECOND);
    expect([said("nodes.sleep"), power.done]).toEqual([1, ["off"]]);
    const beats = said("nodes.heartbeat");
    await world.clock.advance(10 * NODE_LIMITS.syncIntervalMs);
    expect([said("nodes.heartbeat"), said("nodes.sleep")]).toEqual([beats, 1]);
    world.chain.setPower(nodeId, { target: "up" });
    await world.clock.advance(10 * SECOND);
    expect(said("nodes.heartbeat")).toBeGreaterThan(beats);
    expect(world.chain.nodes.get(nodeId)?.power).toMatchObject({ state: "up", target: "up" });
    await agent.stop();
  });

  it("started while it is wanted off: a heartbeat, and off again", async () => {
    const power = new Switch();
    const { world, agent, nodeId, said } = await node(power);
    world.chain.setPower(nodeId, { target: "down" });
    await world.clock.advance(SECOND);
    await agent.stop();
    const again = await registeredAgent(world, { power });
    await world.clock.advance(2 * NODE_LIMITS.syncIntervalMs);
    expect([said("nodes.sleep"), power.done]).toEqual([2, ["off", "off"]]);
    await again.agent.stop();
  });

  it("stays on while something runs there, while it could not be woken, and when nobody said how", async () => {
    const power = new Switch();
    const { world, agent, nodeId, said } = await node(power);
    const solutionId = world.chain.addSolution(world.owner.twinId, world.bot.twinId);
    const id = deploy(world, instructionFor({ nodeId, solutionId, zmachines: [spec("web-1")] }));
    world.chain.setPower(nodeId, { target: "down" });
    await world.clock.advance(2 * NODE_LIMITS.syncIntervalMs);
    expect(said("nodes.sleep")).toBe(0);
    world.chain.setState(id, "deleted");
    power.trouble = "network card eth0 does not wake the machine";
    await world.clock.advance(2 * NODE_LIMITS.syncIntervalMs);
    expect(said("nodes.sleep")).toBe(0);
    power.trouble = undefined;
    await world.clock.advance(2 * NODE_LIMITS.syncIntervalMs);
    expect([said("nodes.sleep"), power.done]).toEqual([1, ["off"]]);
    await agent.stop();
    const without = await node(undefined);
    without.world.chain.setPower(without.nodeId, { target: "down" });
    await without.world.clock.advance(2 * NODE_LIMITS.syncIntervalMs);
    expect([without.said("nodes.sleep"), without.said("nodes.heartbeat") > 10]).toEqual([0, true]);
    await without.agent.stop();
  });

  it("wakes another node of its farm that is wanted on, once each time it is asked; no other farm's", async () => {
    const power = new Switch();
    const { world, agent } = await node(power);
    const sibling = (farmId: number, mac: string, seed: number) =>
      world.chain.addNode({ ...profile, interfaces: [{ name: "eth0", mac, addresses: [] }], twinId: world.chain.addTwin(keysOf(seed)), farmId: farmId as never });
    const [near, far] = [sibling(1, "02:00:00:00:00:01", 71), sibling(2, "02:00:00:00:00:02", 72)];
    for (const id of [near, far]) world.chain.setPower(id, { target: "down", state: "down" });
    await world.clock.advance(SECOND);
    expect(power.done).toEqual([]);
    for (const id of [near, far]) world.chain.setPower(id, { target: "up" });
    await world.clock.advance(2 * NODE_LIMITS.syncIntervalMs);
    expect(power.done).toEqual(["02:00:00:00:00:01"]);
    world.chain.setPower(near, { target: "up" });
    await world.clock.advance(SECOND);
    expect(power.done).toHaveLength(2);
    await agent.stop();
  });
});

describe("a machine's switch", () => {
  it("sends the packet that network cards listen for", async () => {
    expect(magicPacket("02:00:00:00:00")).toBeUndefined();
    const packet = magicPacket("02:1f:00:AA:00:01")!;
    expect(Buffer.from(packet).toString("hex")).toBe("ff".repeat(6) + "021f00aa0001".repeat(16));
    const card = createSocket("udp4");
    const heard: string[] = [];
    card.on("message", (message) => heard.push(message.toString("hex")));
    card.bind(0, "127.0.0.1");
    await once(card, "listening");
    const clock = new VirtualClock();
    const sending = sendMagicPackets(packet, { clock, to: { address: "127.0.0.1", port: (card.address() as AddressInfo).port } }, new AbortController().signal);
    await expect.poll(async () => (await clock.advance(NODE_LIMITS.magicPacketPauseMs), heard.length)).toBe(NODE_LIMITS.magicPackets);
    await sending;
    expect(new Set(heard)).toEqual(new Set([Buffer.from(packet).toString("hex")]));
    card.close();
    await once(card, "close");
  });

  it("switches off only what can be woken", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tfgrid-power-"));
    try {
      const power = machinePower({ iface: "eth0", clock: systemClock, sys: folder, proc: folder });
      expect(await power.obstacle()).toContain("not known");
      const device = join(folder, "class/net/eth0/device/power");
      await mkdir(device, { recursive: true });
      await writeFile(join(device, "wakeup"), "disabled\n");
      expect(await power.obstacle()).toContain('"disabled"');
      await writeFile(join(device, "wakeup"), "enabled\n");
      expect(await power.obstacle()).toBeUndefined();
      await power.off();
      expect(await readFile(join(folder, "sysrq-trigger"), "utf8")).toBe("o");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
