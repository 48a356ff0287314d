import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContractId, NodeId, TwinId } from "@tfgrid/primitives";
import { silentLogger } from "@tfgrid/primitives";
import type { NameContract, Node, NodeContract } from "@tfgrid/tfchain";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseNodeConfig } from "../../src/agent/config.ts";
import { fileContractStore, fileRunStore } from "../../src/agent/contract-store.ts";
import { planRoutes } from "../../src/agent/gateway-role.ts";
import type { SolutionView } from "../../src/agent/solution-book.ts";
import { openIdentity } from "../../src/identity/identity.ts";
import { lockDataDir } from "../../src/identity/lock.ts";
import { mayRead } from "../../src/node-api/serve.ts";
import { afterProbe, freshHealth } from "../../src/provisioning/health.ts";
import { heartbeatPhaseMs, nextSlotMs } from "../../src/reporting/heartbeat.ts";
import { Quota } from "../../src/reporting/reporter.ts";
import { deploy, httpCheck, instructionFor, newWorld, registeredAgent, spec } from "../support/fixtures.ts";
import { seeded } from "../support/random.ts";

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "nothing thrown";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
};

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "node-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("identity", () => {
  const open = () => openIdentity({ dataDir: folder, entropy: seeded(3) });

  it("is made once, readable by its owner only, and found again", async () => {
    const first = await open();
    expect((await stat(join(folder, "identity"))).mode & 0o777).toBe(0o600);
    expect((await openIdentity({ dataDir: folder, entropy: seeded(4) })).keys.account).toBe(first.keys.account);
  });

  it("lost or damaged is an error, never a new one", async () => {
    await open();
    const text = await readFile(join(folder, "identity"), "utf8");
    await writeFile(join(folder, "identity"), text.replace(/^./, (digit) => (digit === "0" ? "1" : "0")));
    expect(await codeOf(open)).toBe("node.identity_corrupt");
    await rm(join(folder, "identity"));
    expect(await codeOf(open)).toBe("node.identity_lost");
  });

  it("lets the lock of a dead process be taken over", async () => {
    await writeFile(join(folder, "agent.lock"), "999999999 1\n");
    const unlock = await lockDataDir(folder);
    await unlock();
    await writeFile(join(folder, "agent.lock"), `1 ${(await readFile("/proc/1/stat", "utf8")).split(") ")[1]?.split(" ")[19]}\n`);
    expect(await codeOf(() => lockDataDir(folder))).toBe("node.data_dir_in_use");
  });
});

describe("state files", () => {
  it("give back what was kept and leave out what was damaged", async () => {
    const world = newWorld(seeded(1));
    const { agent, nodeId } = await registeredAgent(world);
    deploy(world, instructionFor({ nodeId, solutionId: world.chain.addSolution(world.owner.twinId, world.bot.twinId), zmachines: [spec("web-1")] }));
    await world.clock.advance(2_000);
    await agent.stop();
    const held = [...world.disk.contracts.values()][0];
    if (held === undefined) throw new Error("no contract was kept");
    const store = fileContractStore({ dataDir: folder, logger: silentLogger });
    await store.save(held);
    expect(await store.load()).toEqual([held]);
    const file = join(folder, "contracts", `${held.contractId}.json`);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"bytes":"', '"bytes":"AAAA'));
    expect(await store.load()).toEqual([]);
    const runs = fileRunStore({ dataDir: folder, logger: silentLogger });
    await Promise.all([runs.save(new Map()), runs.save(new Map([["c1-web-1", { restarts: 2, attempts: 1, halt: { runMs: 5, reason: "paused" } }]]))]);
    expect((await runs.load()).get("c1-web-1")).toEqual({ restarts: 2, attempts: 1, halt: { runMs: 5, reason: "paused" } });
  });
});

describe("configuration", () => {
  it("names the field that is wrong", async () => {
    expect(() => parseNodeConfig('{"machine":"a","extra":1}', "node.json")).toThrow(/extra/);
    await expect(codeOf(() => parseNodeConfig("{", "node.json"))).resolves.toBe("node.config_invalid");
  });
});

describe("heartbeat slots", () => {
  it("spread evenly and never lie in the past", () => {
    const phases = Array.from({ length: 2_000 }, (_, index) => heartbeatPhaseMs((index + 1) as NodeId, 10_000));
    const buckets = Array.from({ length: 10 }, (_, bucket) => phases.filter((phase) => Math.floor(phase / 1_000) === bucket).length);
    expect(Math.min(...buckets)).toBeGreaterThan(140);
    for (const phase of phases.slice(0, 100)) {
      const next = nextSlotMs(1_000_000, phase, 10_000);
      expect(next).toBeGreaterThan(1_000_000);
      expect(next).toBeLessThanOrEqual(1_010_000);
      expect(next % 10_000).toBe(phase);
    }
  });
});

describe("quota", () => {
  it("never grants more than the minute's share", () => {
    const quota = new Quota(60, 0);
    let granted = 0;
    for (let nowMs = 0; nowMs <= 60_000; nowMs += 100) granted += quota.take(5, nowMs);
    expect(granted).toBeLessThanOrEqual(91);
    expect(granted).toBeGreaterThan(80);
  });
});

describe("health checks", () => {
  it("hold no failure of the start period against a zmachine, and need all retries later", () => {
    let health = freshHealth(0, 0);
    const probe = (nowMs: number, healthy: boolean) => {
      health = afterProbe({ health, check: httpCheck, healthy, output: "no", nowMs });
      return health.state;
    };
    expect([probe(0, false), probe(100, false), probe(900, false)]).toEqual(["starting", "starting", "starting"]);
    expect(health.failures).toBe(0);
    expect([probe(950, true), probe(2_000, false), probe(3_000, false)]).toEqual(["healthy", "healthy", "unhealthy"]);
    expect(probe(4_000, true)).toBe("healthy");
  });
});

describe("gateway routes", () => {
  const nodeId = 5 as NodeId;
  async function routed() {
    const world = newWorld(seeded(2));
    const solutionId = world.chain.addSolution(world.owner.twinId, world.bot.twinId);
    const instruction = instructionFor({ nodeId, solutionId, zmachines: [spec("web-1"), spec("web-2")] });
    const id = deploy(world, instruction);
    const line = (name: string, state: "healthy" | "running", last: number) =>
      ({ name, service: "web", state, startedAtMs: 0, restarts: 0, addresses: [{ network: "default", ip: `10.64.1.${last}` }], aliases: [] }) as const;
    const contract = {
      ...world.chain.node(id),
      report: { version: 1, state: "running", networks: [], zmachines: [line("web-1", "healthy", 2), line("web-2", "running", 3)], routes: [] },
    } as NodeContract;
    world.chain.addName({ name: "shop", gatewayNodeId: nodeId, solutionId, owner: world.owner.twinId });
    const name = [...world.chain.contracts.values()].find((entry): entry is NameContract => entry.type === "name") as NameContract;
    const solution = world.chain.solutions.get(solutionId) as SolutionView["solution"];
    const route = { service: "web", port: 80, name: "shop", network: "default", tls: "both" } as const;
    const desired = { contractId: 9 as ContractId, solutionId, version: 1, mode: "run", networks: [], volumes: [], zmachines: [], routes: [route] } as const;
    // The gateway node has a part of its own, as it always has where it serves a route.
    const own = { ...contract, id: 9 as ContractId, nodeId, report: { ...contract.report, zmachines: [] } } as NodeContract;
    const elsewhere = { ...contract, id: 10 as ContractId, nodeId: 8 as NodeId, report: { ...contract.report, zmachines: [line("web-3", "healthy", 4)] } } as NodeContract;
    const parts = [own, { ...contract, nodeId: 7 as NodeId }, elsewhere];
    const plan = (names: readonly NameContract[], gateway = nodeId, down?: readonly number[]) =>
      planRoutes({
        nodeId: gateway,
        domain: "grid.test",
        contracts: [desired],
        views: new Map([[solutionId, { solution, nodeContracts: down === undefined ? [contract] : parts, nameContracts: names }]]),
        nodes: new Map([7, 8].map((id) => [id as NodeId, { id, up: down?.includes(id) !== true } as unknown as Node])),
      });
    return { plan, name };
  }

  it("lead to the healthy ones of the service", async () => {
    const { plan, name } = await routed();
    expect(plan([name]).routes).toMatchObject([{ host: "shop.grid.test", backends: [{ name: "web-1", ip: "10.64.1.2", port: 80 }] }]);
  });

  it("leave out what is on silent nodes, unless all but the gateway are silent: then it was the ledger that was away", async () => {
    const { plan, name } = await routed();
    const names = (down: readonly number[]) => plan([name], nodeId, down).routes[0]?.backends.map((backend) => backend.name);
    expect([names([]), names([7]), names([8]), names([7, 8])]).toEqual([["web-1", "web-3"], ["web-3"], ["web-1"], ["web-1", "web-3"]]);
  });

  it("exist only with a name contract of the same solution on this gateway", async () => {
    const { plan, name } = await routed();
    for (const refused of [plan([]), plan([{ ...name, state: "grace" }]), plan([name], 6 as NodeId)]) {
      expect(refused.routes).toEqual([]);
      expect(refused.reports.get(9)).toMatchObject([{ host: "shop.grid.test", code: "node.route_without_name" }]);
    }
  });
});

describe("who may read", () => {
  it("owner, agent and signers, nobody else", () => {
    const world = newWorld(seeded(1));
    const signer = 77 as TwinId;
    const solution = world.chain.solutions.get(world.chain.addSolution(world.owner.twinId, world.bot.twinId, [signer]));
    expect([world.owner.twinId, world.bot.twinId, signer].map((twin) => mayRead(solution, twin))).toEqual([true, true, true]);
    expect(mayRead(solution, 78 as TwinId)).toBe(false);
    expect(mayRead(undefined, world.owner.twinId)).toBe(false);
  });
});
