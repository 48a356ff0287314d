/** A 3Node dies: agent and zmachines killed, cable cut. The architecture moves; the dead one tears down when it returns. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Json, type TestGrid, startGrid, until } from "./support/grid.ts";

const HOST = "guestbook.grid.localhost";
let grid: TestGrid;

beforeAll(async () => {
  grid = await startGrid();
});
afterAll(async () => {
  await grid.down();
  expect(grid.leftovers()).toEqual([]);
});

const machineOf = (nodeId: number, status: Json): string => {
  const node = status.nodes.find((entry: Json) => entry.id === nodeId);
  const last = Number(node.meshEndpoints[0].address.split(".")[3]);
  return `${grid.prefix}-n${last - 10}`;
};

/** Kills everything in the machine's namespaces and its agent, and stops the agent's program from coming back. */
function cutMachine(machine: string, agentPid: number): void {
  execFileSync("ip", ["link", "set", machine, "down"]);
  process.kill(agentPid, "SIGKILL");
}

function parts(status: Json, service: string): readonly Json[] {
  return status.contracts.filter((contract: Json) => contract.type === "node" && (contract.report?.zmachines ?? []).some((zmachine: Json) => zmachine.service === service));
}

describe("a lost 3Node", () => {
  it("loses no traffic for long, is replaced, and tears down when it returns", async () => {
    const before = await grid.status();
    const storeNode = parts(before, "store")[0].nodeId as number;
    const victim = parts(before, "web").find((part) => part.nodeId !== storeNode);
    expect(victim, "one web replica runs apart from the store").toBeDefined();
    const machine = machineOf(victim.nodeId, before);
    const name = `node-${machine.slice(grid.prefix.length + 1)}`;
    const agent = before.programs.find((entry: Json) => entry.name === name);
    const diedMs = Date.now();
    cutMachine(machine, agent.pid);

    let goodInARow = 0;
    await until("good answers again", async () => {
      const answer = await grid.fetch(HOST, "/messages", { timeoutMs: 1000 });
      goodInARow = answer.status === 200 ? goodInARow + 1 : 0;
      return goodInARow >= 5;
    });
    process.stdout.write(`time from death to lasting good answers: ${Date.now() - diedMs} ms\n`);

    const replaced = await until("the replica runs on another node", async () => {
      const status = await grid.status();
      const running = parts(status, "web").flatMap((part: Json) => part.report.zmachines.filter((zmachine: Json) => zmachine.service === "web" && zmachine.state === "healthy").map(() => part.nodeId));
      return running.length === 2 && !running.includes(victim.nodeId) ? running : undefined;
    });
    process.stdout.write(`time from death to both replicas healthy: ${Date.now() - diedMs} ms, now on nodes ${replaced.join(" and ")}\n`);
    const cancelled = await grid.json("contract", "show", String(victim.id));
    expect(cancelled.state).toBe("deleted");

    execFileSync("ip", ["link", "set", machine, "up"]);
    await until("the returned node is up and holds nothing of its old contract", async () => {
      const status = await grid.status();
      const left = execFileSync("ip", ["netns"], { encoding: "utf8" }).split("\n").filter((line) => line.startsWith(`${machine}-m-`) || line.startsWith(`${machine}-z-`));
      return status.nodes.find((node: Json) => node.id === victim.nodeId).up && left.length === 0;
    });
  });
});
