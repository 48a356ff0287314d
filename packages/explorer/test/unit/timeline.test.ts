import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContractId, NodeId, SolutionId } from "@tfgrid/primitives";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type EventJson, type Explorer, startExplorer } from "../../src/index.ts";
import { createFakeChain, type FakeChain, farmOf, nodeOf, partOf, reportOf, solutionOf } from "../support/fake-chain.ts";

let fake: FakeChain;
let folder: string;
let explorer: Explorer;
const start = async (): Promise<void> => {
  explorer = await startExplorer({ chain: fake.client, dataDir: folder, host: "127.0.0.1", port: 0 });
};
beforeEach(async () => {
  fake = createFakeChain();
  folder = await mkdtemp(join(tmpdir(), "explorer-"));
  fake.farms.set(1, farmOf(1));
  for (const id of [1, 2, 3]) fake.nodes.set(id, nodeOf(id));
  fake.solutions.set(1, solutionOf(1));
  await start();
});
afterEach(async () => {
  await explorer.stop();
  await rm(folder, { recursive: true });
});
const json = async <T>(path: string): Promise<T> => (await fetch(`${explorer.endpoints.http}${path}`)).json() as Promise<T>;
const indexed = async (height: number): Promise<void> => {
  await expect.poll(() => explorer.status().progress.height).toBeGreaterThanOrEqual(height);
};
const sentences = async (): Promise<string[]> => (await json<EventJson[]>("/solutions/1/timeline")).map(({ sentence }) => sentence);

const contract = (id: number, nodeId: number, change = {}) => fake.contracts.set(id, partOf(id, nodeId, change));
const created = (id: number, nodeId: number) =>
  ({
    type: "contracts.created",
    contractId: id as ContractId,
    kind: "node",
    twinId: 1 as never,
    nodeId: nodeId as NodeId,
    solutionId: 1 as SolutionId,
  }) as const;
const reported = (id: number, nodeId: number) =>
  ({
    type: "contracts.reported",
    contractId: id as ContractId,
    nodeId: nodeId as NodeId,
    version: 1,
    state: "running",
    solutionId: 1 as SolutionId,
  }) as const;

async function runOn(id: number, nodeId: number): Promise<void> {
  contract(id, nodeId);
  await indexed(fake.commit([created(id, nodeId)]));
  contract(id, nodeId, { report: reportOf("web-2", "healthy") });
  await indexed(fake.commit([reported(id, nodeId)]));
}

it("tells people that a node was lost and where its zmachine went", async () => {
  await runOn(1, 2);
  fake.nodes.set(2, nodeOf(2, { up: false }));
  await indexed(fake.commit([{ type: "nodes.down", nodeId: 2 as NodeId, lastHeartbeatMs: 1 }]));
  contract(1, 2, { state: "deleted", deletedCause: "canceled_by_agent" });
  await indexed(
    fake.commit([
      {
        type: "contracts.deleted",
        contractId: 1 as ContractId,
        nodeId: 2 as NodeId,
        solutionId: 1 as SolutionId,
        cause: "canceled_by_agent",
        refundedUnits: 0n,
      },
    ]),
  );
  await runOn(2, 3);
  expect(await sentences()).toEqual([
    "a part is placed on node 2 (contract 1)",
    "web-2 is healthy on node 2",
    "node 2 reports its part (contract 1) running",
    "node 2 lost with web-2",
    "web-2 on node 2 ended, cancelled by the agent (contract 1)",
    "a part is placed on node 3 (contract 2)",
    "web-2 moved from node 2 to node 3 and is healthy",
    "node 3 reports its part (contract 2) running",
  ]);
  expect((await json<{ status: string }>("/nodes/2/status")).status).toBe("down");
});

it("tells a repeated report once", async () => {
  await runOn(1, 2);
  const before = await sentences();
  await indexed(fake.commit([reported(1, 2)]));
  expect(await sentences()).toEqual(before);
});

it("resumes after a cut stream and after a restart without gap or repeat", async () => {
  await runOn(1, 2);
  fake.breakStreams();
  const deposit = { type: "solutions.deposited", solutionId: 1 as SolutionId, amountUnits: 5n } as const;
  await indexed(fake.commit([deposit]));
  await explorer.stop();
  const last = [fake.commit([deposit]), fake.commit([]), fake.commit([deposit])].at(-1) ?? 0;
  await start();
  await indexed(last);
  expect((await sentences()).filter((sentence) => sentence.includes("money was added"))).toHaveLength(3);
  expect(await sentences()).toHaveLength(6);
});

it("starts anew when the ledger is another one", async () => {
  await runOn(1, 2);
  await explorer.stop();
  fake.reset("test-2");
  fake.farms.set(7, farmOf(7));
  await start();
  await indexed(fake.commit([{ type: "farms.created", farmId: 7 as never, twinId: 1 as never, name: "farm-7" }]));
  expect(await json<unknown[]>("/contracts")).toEqual([]);
  expect((await json<{ farmId: number }[]>("/farms")).map(({ farmId }) => farmId)).toEqual([7]);
});

it("streams live rows from a place and goes on after a reconnect", async () => {
  const deposit = { type: "solutions.deposited", solutionId: 1 as SolutionId, amountUnits: 5n } as const;
  await indexed(fake.commit([deposit]));
  const read = async (headers: Record<string, string>, count: number): Promise<EventJson[]> => {
    const cut = new AbortController();
    const response = await fetch(`${explorer.endpoints.http}/events?from=1`, {
      headers: { accept: "text/event-stream", ...headers },
      signal: cut.signal,
    });
    const rows: EventJson[] = [];
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const data = part.split("\n").find((line) => line.startsWith("data: "));
        if (data !== undefined) rows.push(JSON.parse(data.slice(6)) as EventJson);
      }
      if (rows.length >= count) break;
    }
    cut.abort();
    return rows;
  };
  const first = read({}, 2);
  fake.commit([deposit]);
  expect((await first).map(({ seq }) => seq)).toEqual([1, 2]);
  const second = read({ "last-event-id": "2" }, 1);
  fake.commit([deposit]);
  expect((await second).map(({ seq }) => seq)).toEqual([3]);
});
