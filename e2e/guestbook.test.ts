/** What a new user sees: the guestbook answers, keeps what was written, survives restarts; nothing is left after the end. */
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";
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

const write = async (text: string): Promise<void> => {
  const answer = await grid.fetch(HOST, "/messages", { method: "POST", body: JSON.stringify({ name: "ada", text }) });
  expect(answer.status, answer.body).toBe(201);
};
const messages = async (): Promise<readonly string[]> => (JSON.parse((await grid.fetch(HOST, "/messages")).body) as { text: string }[]).map((message) => message.text);

function zmachines(status: Json): readonly { name: string; startedAtMs: number; restarts: number; node: number }[] {
  return status.contracts.flatMap((contract: Json) => (contract.type === "node" ? (contract.report?.zmachines ?? []).map((zmachine: Json) => ({ ...zmachine, node: contract.nodeId })) : []));
}

interface Visit {
  readonly afterMs: number;
  readonly status: number;
  readonly body: string;
}

/** Reads the messages, and so passes gateway, web and store, again and again until told to end. */
function visitAllTheWhile(): { end(): Promise<readonly Visit[]> } {
  const visits: Visit[] = [];
  const beganMs = Date.now();
  const stop = new AbortController();
  const visiting = (async () => {
    while (!stop.signal.aborted) {
      const { status, body } = await grid.fetch(HOST, "/messages");
      visits.push({ afterMs: Date.now() - beganMs, status, body: status === 200 ? "" : body });
    }
  })();
  return {
    end: async () => {
      stop.abort();
      await visiting;
      return visits;
    },
  };
}

describe("the guestbook", () => {
  it("answers through the gateway and gives back what was written", async () => {
    expect((await grid.fetch(HOST, "/")).status).toBe(200);
    await write("first words");
    expect(await messages()).toContain("first words");
  });

  it("runs its replicas on different nodes and is answered by both", async () => {
    const web = zmachines(await grid.status()).filter((zmachine) => zmachine.name.startsWith("web"));
    expect(new Set(web.map((zmachine) => zmachine.node)).size).toBe(2);
    const replicas = new Set<unknown>();
    await until("both replicas answer", async () => {
      replicas.add((await grid.fetch(HOST, "/healthz")).headers["x-replica"]);
      return replicas.size === 2;
    });
  });

  it("answers an unknown host and an unknown path with a clear error", async () => {
    const unknown = await grid.fetch("nobody.grid.localhost", "/");
    expect(unknown.status).toBe(404);
    expect(unknown.body).toContain("gateway.unknown_host");
  });

  it("shows logs to its owner", async () => {
    const { stdout, code } = await grid.cli("solution", "logs", "guestbook", "store-1");
    expect(code, stdout).toBe(0);
    expect(stdout).toContain("store serves");
  });

  it("keeps core namespaces without a listening socket", async () => {
    const status = await grid.status();
    for (const machine of status.nodes.map((_node: Json, index: number) => `${grid.prefix}-${index < status.nodes.length - 1 ? `n${index + 1}` : "gw1"}`)) {
      const listening = execFileSync("nsenter", [`--net=/run/netns/${machine}`, "ss", "-Hlntu"], { encoding: "utf8" });
      expect(listening, machine).toBe("");
    }
  });

  it("touches neither zmachines nor a single answer when a 3Node's agent restarts", async () => {
    const before = zmachines(await grid.status());
    const { programs, nodes } = await grid.status();
    for (const program of programs.filter((entry: Json) => entry.name.startsWith("node-"))) {
      const killedMs = Date.now();
      const visitor = visitAllTheWhile();
      process.kill(program.pid, "SIGKILL");
      await until(`${program.name} is back and has spoken`, async () => {
        const now = await grid.status();
        const pid = now.programs.find((entry: Json) => entry.name === program.name)?.pid;
        // No command tells which node a program is: all have spoken since the kill.
        return pid !== undefined && pid !== program.pid && now.nodes.every((node: Json) => node.up && node.lastHeartbeatMs > killedMs);
      });
      const answers = await visitor.end();
      const bad = answers.filter(({ status }) => status !== 200);
      expect(answers.length).toBeGreaterThan(0);
      expect(bad, `failed of ${answers.length} visits while ${program.name} was away`).toEqual([]);
    }
    expect((await grid.status()).nodes.map((node: Json) => node.upChangedMs), "no node was called down").toEqual(nodes.map((node: Json) => node.upChangedMs));
    const after = zmachines(await grid.status());
    expect(after.map(({ name, startedAtMs, restarts }) => ({ name, startedAtMs, restarts }))).toEqual(before.map(({ name, startedAtMs, restarts }) => ({ name, startedAtMs, restarts })));
  });

  it("is seen on the dashboard", async () => {
    const { endpoints } = await grid.status();
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      await page.goto(endpoints.dashboard);
      await page.getByText("guestbook").first().waitFor({ timeout: 60_000 });
      await page.goto(`http://${HOST}:${new URL(endpoints.gateway.http).port}/`);
      await page.getByText("first words").first().waitFor({ timeout: 60_000 });
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it("comes back with its data after down and up", async () => {
    await write("before the break");
    const down = await grid.cli("down");
    expect(down.code, down.stdout).toBe(0);
    expect(grid.leftovers()).toEqual([]);
    const up = await grid.cli("up", "--detach");
    expect(up.code, up.stdout + up.stderr).toBe(0);
    expect(await messages()).toEqual(expect.arrayContaining(["first words", "before the break"]));
  });
});
