import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createGateway, type Gateway, type GatewayRoute } from "../../src/index.ts";
import { type Backend, freePort, startBackend } from "../support/backend.ts";
import { ask, certificateOf, nameOf, startLoad } from "../support/http.ts";

const DOMAIN = "gw.test";
const web = `web.${DOMAIN}`;
let folder: string;
let machine: string;
let http: number;
let https: number;
let gateway: Gateway;
const cleanups: (() => Promise<void> | void)[] = [];

const make = (): Promise<Gateway> =>
  createGateway({
    machine,
    netns: undefined,
    dataDir: join(folder, "gw with blank"),
    domain: DOMAIN,
    listen: { http, https, address: "127.0.0.1" },
  });
const route = (backends: readonly Backend[], change: Partial<GatewayRoute> = {}): GatewayRoute => ({
  host: web,
  tls: "both",
  backends: backends.map(({ name, port }) => ({ id: name, address: "127.0.0.1", port })),
  ...change,
});
async function backendNamed(name: string, options: { readonly port?: number; readonly delayMs?: number } = {}): Promise<Backend> {
  const started = await startBackend(name, options);
  cleanups.push(() => started.close());
  return started;
}
const get = (host: string, headers: Readonly<Record<string, string>> = {}) => ask({ port: http, host, headers });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "gateway-"));
  machine = `t${randomBytes(4).toString("hex")}`;
  [http, https] = [await freePort(), await freePort()];
  gateway = await make();
});
afterEach(async () => {
  await gateway.teardown();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await rm(folder, { recursive: true, force: true });
});

it("routes by host over http and https, tells the truth about the client, and answers unknown hosts with a code", async () => {
  const one = await backendNamed("one");
  const status = await gateway.apply([route([one])]);
  expect(status).toMatchObject({ running: true, starts: 1, routes: [{ host: web, backends: 1, backendsTotal: 1 }] });
  const claims = {
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-proto": "https",
    "x-forwarded-evil": "1",
    forwarded: "for=6.6.6.6",
    "x-real-ip": "6.6.6.6",
  };
  const plain = await get(`${web.toUpperCase()}:${http}`, claims);
  const { headers } = JSON.parse(plain.text) as { headers: Record<string, string> };
  expect(headers).toMatchObject({ "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http" });
  expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(["forwarded"]));
  expect(headers["x-forwarded-evil"] ?? headers["x-real-ip"]).toBeUndefined();
  const secure = await ask({ port: https, host: web, ca: await gateway.authorityPem() });
  expect(JSON.parse(secure.text)).toMatchObject({ name: "one", headers: { "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "https" } });
  const unknown = await get("nobody.test");
  expect([unknown.status, unknown.headers["x-grid-error"]]).toEqual([404, "gateway.unknown_host"]);
  expect(unknown.text).toContain("gateway.unknown_host");
  expect(JSON.parse((await get("nobody.test", { accept: "application/json" })).text)).toMatchObject({ code: "gateway.unknown_host" });
});

it("serves everybody else when one route cannot be served, and says which", async () => {
  const one = await backendNamed("one");
  const bad = { host: `bad.${DOMAIN}`, tls: "both" as const, backends: [{ id: "x", address: "nowhere", port: 80 }] };
  const status = await gateway.apply([bad, route([one])]);
  expect(status.routes).toMatchObject([{ host: web, backends: 1 }, { host: bad.host, backends: 0, code: "gateway.invalid_route" }]);
  expect((await get(web)).status).toBe(200);
  expect((await gateway.apply([route([one])])).routes).toMatchObject([{ host: web, backends: 1 }]);
});

it("counts what visitors send and get, by host, and not its own health checks", async () => {
  const other = `other.${DOMAIN}`;
  const [one, two] = [await backendNamed("one"), await backendNamed("two")];
  expect(await gateway.traffic()).toEqual(new Map());
  await gateway.apply([route([one]), route([two], { host: other })]);
  const traffic = async (host: string): Promise<number> => (await gateway.traffic()).get(host) ?? -1;
  await expect.poll(async () => (await gateway.status()).routes.map(({ backends }) => backends)).toEqual([1, 1]);
  expect([await traffic(web), await traffic(other)]).toEqual([0, 0]);
  const padding = "x".repeat(2_000);
  const plain = await get(web, { "x-padding": padding });
  const least = padding.length + plain.text.length;
  await expect.poll(() => traffic(web)).toBeGreaterThan(least);
  expect(await traffic(web)).toBeLessThan(2 * least + 2_000);
  const before = await traffic(web);
  await ask({ port: https, host: web, ca: await gateway.authorityPem(), headers: { "x-padding": padding } });
  await expect.poll(() => traffic(web)).toBeGreaterThan(before + padding.length);
  expect(await traffic(other)).toBe(0);
  await gateway.apply([route([two], { host: other })]);
  expect([...(await gateway.traffic()).keys()]).toEqual([other]);
});

it("redirects to https where asked and follows a change of that without a reload", async () => {
  const one = await backendNamed("one");
  await gateway.apply([route([one], { tls: "redirect" })]);
  const redirected = await get(web);
  expect([redirected.status, redirected.headers["location"]]).toEqual([308, `https://${web}/`]);
  const { reloads } = await gateway.apply([route([one])]);
  expect((await get(web)).status).toBe(200);
  expect(reloads).toBe(0);
});

it("balances, takes a dead replica out, and tells when none is left", async () => {
  const [one, two] = [await backendNamed("one"), await backendNamed("two")];
  await gateway.apply([route([one, two])]);
  const seen = new Set<string>();
  for (let at = 0; at < 6; at += 1) seen.add(nameOf(await get(web)));
  expect([...seen].sort()).toEqual(["one", "two"]);
  const load = startLoad({ port: http, host: web, connections: 4 });
  await two.close();
  const diedMs = performance.now();
  const healthy = async () => (await gateway.status()).routes[0]?.backends;
  await expect.poll(healthy).toBe(1);
  process.stdout.write(`a dead replica is out after ${Math.round(performance.now() - diedMs)} ms\n`);
  expect((await load.done()).failed).toEqual([]);
  await one.close();
  await expect.poll(healthy).toBe(0);
  const nobody = await get(web);
  expect([nobody.status, nobody.headers["x-grid-error"], nobody.headers["retry-after"]]).toEqual([503, "gateway.no_backend", "2"]);
  expect((await gateway.status()).routes[0]).toMatchObject({ code: "gateway.no_backend" });
  await backendNamed("one", { port: one.port });
  await expect.poll(async () => (await get(web)).status).toBe(200);
});

it("loses no request while replicas move, routes come and go, and it reloads", async () => {
  const backends = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => backendNamed(name)));
  const pick = (...names: string[]): Backend[] => backends.filter(({ name }) => names.includes(name));
  await gateway.apply([route(pick("a", "b"))]);
  const load = startLoad({ port: http, host: web, connections: 8 });
  const steps: GatewayRoute[][] = [
    [route(pick("b", "c"))],
    [route(pick("c", "d"))],
    [route(pick("c", "d")), route(pick("a"), { host: `other.${DOMAIN}` })],
    [route(pick("a", "b", "c", "d", "e"))],
    [route(pick("e", "f"))],
    [route(pick("e", "f"), { checks: { type: "http", path: "/health" } })],
  ];
  let reloads = 0;
  for (let round = 0; round < 3; round += 1) {
    for (const routes of steps) ({ reloads } = await gateway.apply(routes));
  }
  const { sent, failed, slowestMs } = await load.done();
  process.stdout.write(`${sent} requests during ${reloads} reloads, slowest ${Math.round(slowestMs)} ms\n`);
  expect(failed).toEqual([]);
  expect(sent).toBeGreaterThan(100);
  expect(reloads).toBeGreaterThan(3);
});

it("is back by itself after kill -9 of the master and of the worker, with its routes", async () => {
  const one = await backendNamed("one");
  const { pid } = await gateway.apply([route([one])]);
  const worker = Number((await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(" ")[0]);
  for (const [at, victim] of [worker, undefined].entries()) {
    process.kill(victim ?? (await gateway.status()).pid ?? 0, "SIGKILL");
    const killedMs = performance.now();
    // 1 start at first, and one more after each kill.
    await expect.poll(async () => (await gateway.status()).starts).toBe(at + 2);
    await expect.poll(async () => (await get(web)).status).toBe(200);
    process.stdout.write(`HAProxy back ${Math.round(performance.now() - killedMs)} ms after kill -9\n`);
  }
});

it("goes on when its keeper restarts, and takes up what the former one left", async () => {
  const [one, two] = [await backendNamed("one"), await backendNamed("two")];
  const before = await gateway.apply([route([one])]);
  const load = startLoad({ port: http, host: web, connections: 2 });
  await gateway.stop();
  gateway = await make();
  await expect.poll(async () => (await gateway.status()).running).toBe(true);
  const after = await gateway.apply([route([one, two])]);
  expect(after).toMatchObject({ pid: before.pid, starts: 0, reloads: 0, routes: [{ backends: 2 }] });
  expect((await load.done()).failed).toEqual([]);
  // HAProxy dies while no keeper looks: the next one brings the last routes back by itself.
  await gateway.stop();
  process.kill(before.pid ?? 0, "SIGKILL");
  gateway = await make();
  await expect.poll(async () => (await get(web)).status).toBe(200);
});

it("passes websockets and lets TLS through by name", async () => {
  const one = await backendNamed("one");
  const raw = createTcpServer((socket) => {
    socket.once("data", (hello) => {
      socket.end(`hello ${hello[0]}`);
    });
  });
  await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => raw.close(() => resolve())));
  const port = (raw.address() as { port: number }).port;
  const secret = `secret.${DOMAIN}`;
  await gateway.apply([route([one]), { host: secret, tls: "passthrough", backends: [{ id: "raw", address: "127.0.0.1", port }] }]);
  const socket = connect(http, "127.0.0.1");
  socket.write(
    `GET / HTTP/1.1\r\nhost: ${web}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  let text = "";
  socket.on("data", (chunk) => (text += String(chunk)));
  await expect.poll(() => text).toContain("101");
  socket.write("ping-through");
  await expect.poll(() => text).toContain("ping-through");
  socket.destroy();
  expect(await certificateOf(https, web)).toBe(DOMAIN);
  // Whoever answers for the passed-through name is the service itself: it sees the client's hello (record type 22), no certificate of ours.
  await expect(certificateOf(https, secret)).rejects.toThrow();
  expect((await get(secret)).status).toBe(308);
});

it("reaches private networks with overlapping addresses, each in its own namespace", async () => {
  const ip = (...args: string[]): void => void execFileSync("ip", args, { stdio: "pipe" });
  const names = ["gw", "z1", "z2"].map((name) => `${machine}-${name}`);
  const [gwNs = "", one = "", two = ""] = names;
  for (const name of names) {
    ip("netns", "add", name);
    cleanups.push(() => ip("netns", "del", name));
    ip("-n", name, "link", "set", "lo", "up");
  }
  const address = "10.99.1.2";
  for (const name of [one, two]) {
    ip("-n", name, "addr", "add", `${address}/32`, "dev", "lo");
    const script = `require("http").createServer((q,r)=>r.end("${name}")).listen(8000,"${address}")`;
    const child = spawn("nsenter", [`--net=/run/netns/${name}`, process.execPath, "-e", script], { stdio: "ignore" });
    cleanups.push(() => void child.kill("SIGKILL"));
  }
  const inside = await createGateway({
    machine: `${machine}n`,
    netns: gwNs,
    dataDir: join(folder, "inside"),
    domain: DOMAIN,
    listen: { http: 80, https: 443 },
  });
  cleanups.push(() => inside.teardown());
  const routeTo = (host: string, namespace: string): GatewayRoute => ({
    host,
    tls: "both",
    backends: [{ id: "x", address, port: 8000, namespace }],
  });
  const fetchInside = (host: string): string =>
    execFileSync(
      "nsenter",
      [
        `--net=/run/netns/${gwNs}`,
        process.execPath,
        "-e",
        `require("http").get({host:"127.0.0.1",port:80,agent:false,headers:{host:"${host}"}},(r)=>{r.pipe(process.stdout)}).on("error",()=>process.exit(0))`,
      ],
      { encoding: "utf8" },
    );
  const missing = await inside.apply([routeTo("a.test", one), routeTo("b.test", two), routeTo("c.test", `${machine}-z3`)]);
  expect(missing.routes[2]).toMatchObject({ host: "c.test", code: "gateway.namespace_missing" });
  await expect.poll(() => fetchInside("a.test")).toBe(one);
  await expect.poll(() => fetchInside("b.test")).toBe(two);
  const third = `${machine}-z3`;
  ip("netns", "add", third);
  cleanups.push(() => ip("netns", "del", third));
  await expect.poll(async () => (await inside.status()).routes[2]?.code).not.toBe("gateway.namespace_missing");
  // The worker keeps no right beyond entering networks and low ports.
  const { pid } = await inside.status();
  expect(await readFile(`/proc/${pid}/status`, "utf8")).toMatch(/CapEff:\t0000000000200400/);
});
