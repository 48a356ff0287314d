/** The same grid on four validators: nothing else of it knows the difference, and it outlives the sudden death of any one of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCometBft } from "../packages/tfchain/src/index.ts";
import { type Json, type TestGrid, startGrid } from "./support/grid.ts";

const HOST = "guestbook.grid.localhost";
const available = (await findCometBft()) !== undefined;
if (!available) process.stderr.write("CometBFT is not on this machine: the grid on four validators is not tested (node tools/setup.mjs --system --tests).\n");

describe.skipIf(!available)("a grid on four validators", () => {
  let grid: TestGrid;
  beforeAll(async () => {
    grid = await startGrid({ validators: 4, nodes: 2 });
  });
  afterAll(async () => {
    await grid?.down();
    expect(grid?.leftovers()).toEqual([]);
  });

  const chainStatus = (): Promise<Json> => grid.json("chain", "status");
  const pidOf = (name: string): number => (JSON.parse(readFileSync(join(grid.stateDir, "run", "processes.json"), "utf8")) as Record<string, { pid: number }>)[name]?.pid ?? 0;

  it("runs the example, with its programs spread over the validators", async () => {
    const { endpoints, programs, services } = await grid.status();
    expect(endpoints.chain.urls).toHaveLength(4);
    expect(programs.map(({ name }: Json) => name)).toEqual(expect.arrayContaining(["chain-1", "chain-2", "chain-3", "chain-4"]));
    expect(services.filter(({ ok }: Json) => !ok)).toEqual([]);
    expect((await grid.fetch(HOST, "/")).status).toBe(200);
    // `up` goes on without a replica that takes too long.
    await grid.until("the ledger says that all of it runs", async () => {
      const { solutions } = await grid.status();
      return solutions.length === 1 && solutions[0].name === "guestbook" && solutions[0].state === "running";
    });
    const firstUrls = ["notary", "explorer", "agent", "node-n1", "node-n2"].map((name) => firstUrlOf(grid, name));
    expect(new Set(firstUrls).size).toBeGreaterThanOrEqual(3);
  });

  it("changes a solution while the validator that clients ask first has just died, and that one returns", async () => {
    process.kill(pidOf("chain-1"), "SIGKILL");
    await grid.json("solution", "scale", "guestbook", "web=1");
    const { contracts } = await grid.until("one replica is left", async () => {
      const status = await grid.status();
      return replicas(status) === 1 && status;
    });
    expect(contracts.length).toBeGreaterThan(0);
    expect((await grid.fetch(HOST, "/")).status).toBe(200);
    const states = await grid.until("all four make blocks again", async () => {
      const all = await chainStatus();
      return all.every(({ ok, status }: Json) => ok && !status.catchingUp && status.stalledSinceMs === null && status.peers === 3) && all;
    });
    const heights = states.map(({ status }: Json) => status.height as number);
    expect(Math.max(...heights) - Math.min(...heights)).toBeLessThanOrEqual(5);
  });

  it("does not go on with another number of validators", async () => {
    const result = await grid.cli("up", "--detach", "--validators", "3");
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: "cli.other_engine" } });
  });
});

function firstUrlOf(grid: TestGrid, program: string): string {
  const { chain } = JSON.parse(readFileSync(join(grid.stateDir, "run", "configs", `${program}.json`), "utf8")) as { chain: { urls: string[] } };
  return chain.urls[0] ?? "";
}

/** Healthy zmachines of the service `web`, as their nodes reported them. */
function replicas({ contracts }: Json): number {
  const zmachines = contracts.flatMap((contract: Json) => contract.report?.zmachines ?? []);
  return zmachines.filter(({ service, state }: Json) => service === "web" && state === "healthy").length;
}
