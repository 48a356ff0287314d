/** What strangers get of a server's cometbft: what a light client needs, and nothing else. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Gate } from "../../src/engines/cometbft/gate.ts";
import { invitation } from "../../src/engines/engine.ts";

const ID = { own: "a".repeat(40), near: "b".repeat(40), far: "c".repeat(40) };

let home: string;
let asked: string[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tfgrid-gate-"));
  mkdirSync(join(home, "config"));
  writeFileSync(join(home, "config", "genesis.json"), JSON.stringify({ genesis_time: "2026-01-02T03:04:05.678Z" }));
  asked = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const ANSWERS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  status: { node_info: { id: ID.own, listen_addr: "tcp://10.0.0.1:26656" } },
  net_info: {
    peers: [
      { node_info: { id: ID.near, listen_addr: "tcp://0.0.0.0:26656" }, remote_ip: "10.0.0.2" },
      { node_info: { id: ID.far, listen_addr: "tcp://[::]:26656" }, remote_ip: "fd00::3" },
      { node_info: { id: 'x",y="', listen_addr: "tcp://10.0.0.4:26656" }, remote_ip: "10.0.0.4" },
      { node_info: { id: ID.near, listen_addr: "tcp://10.0.0.2:26656" }, remote_ip: "10.0.0.2" },
      null,
    ],
  },
};

function gate(forward: (request: string) => Promise<string> = () => Promise.resolve("{}")): Gate {
  const ask = (method: string) => Promise.resolve(ANSWERS[method] ?? {});
  return new Gate({ rpc: { ask, forward: (request) => (asked.push(request), forward(request)) }, home, genesis: { chainId: "c" } });
}

test("an invitation names genesis, its time and every server once, and leaves out what is no address", async () => {
  const invited = await gate().invitation();
  expect(invited).toEqual({
    genesis: '{"chainId":"c"}',
    genesisTimeMs: Date.parse("2026-01-02T03:04:05.678Z"),
    peers: [`${ID.own}@10.0.0.1:26656`, `${ID.near}@10.0.0.2:26656`, `${ID.far}@[fd00::3]:26656`],
  });
  expect(invitation.fromJson(JSON.parse(JSON.stringify(invited)))).toEqual(invited);
});

test.each(["commit", "validators", "consensus_params"])("%s is handed to cometbft, without anything that was added", async (method) => {
  await gate().ask({ jsonrpc: "2.0", id: 7, method, params: { height: "3" }, more: "x" });
  expect(asked.map((request) => JSON.parse(request) as unknown)).toEqual([{ jsonrpc: "2.0", id: 7, method, params: { height: "3" } }]);
});

test.each(["broadcast_tx_sync", "dial_peers", "unsafe_flush_mempool", "genesis", "", undefined])("%s is refused and never reaches cometbft", async (method) => {
  await expect(gate().ask({ method })).rejects.toMatchObject({ code: "rpc.unknown_method" });
  await expect(gate().ask([{ method: "commit" }])).rejects.toMatchObject({ code: "rpc.unknown_method" });
  expect(asked).toEqual([]);
});

test("strangers take a few of its connections at once, and each place is free again", async () => {
  const open: PromiseWithResolvers<string>[] = [];
  const busy = gate(() => {
    open.push(Promise.withResolvers<string>());
    return (open.at(-1) as PromiseWithResolvers<string>).promise;
  });
  const first = Array.from({ length: 4 }, () => busy.ask({ method: "commit" }));
  await expect(busy.ask({ method: "commit" })).rejects.toMatchObject({ code: "rpc.too_many_requests" });
  await expect(busy.invitation()).rejects.toMatchObject({ code: "rpc.too_many_requests" });
  open[0]?.reject(new Error("gone"));
  await expect(first[0]).rejects.toThrow("gone");
  await expect(busy.invitation()).resolves.toBeDefined();
  for (const { resolve } of open) resolve("{}");
  await Promise.all(first.slice(1));
});
