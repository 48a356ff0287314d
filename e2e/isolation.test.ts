/** Tenants from each other, from the farmer and from the machine: what must not work is tried from inside zmachines. */
import { type ChildProcess, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { s } from "../packages/primitives/src/index.ts";
import { type Grid, nodeApi } from "../packages/sdk/src/index.ts";
import { type Json, type TestGrid, startGrid, until } from "./support/grid.ts";
import { type FakeInternet, fakeInternet, joinedDevice, listenIn } from "./support/stage.ts";
import { PROBE_IMAGE, type Probe, type Tenant, endGrid, inNetns, newTenant, probeOf, pushProbeImage, removeTenantFolders } from "./support/tenants.ts";

const CIDR = "10.99.0.0/16";
const OPEN_PORT = 9_999;
let grid: TestGrid;
let internet: FakeInternet | undefined;
let alpha: Tenant;
let beta: Tenant;
let near: Probe;
let sealed: Probe;
let betaIps: readonly string[];
let nodes: readonly Json[];
const listeners: ChildProcess[] = [];

const service = (name: string, options: { readonly node: number; readonly network?: string; readonly extra?: string; readonly pids?: number; readonly replicas?: number; readonly memory?: string }): string => `
  ${name}:
    image: ${PROBE_IMAGE}
    environment: { NAME: ${name} }
    stop_grace_period: 1s
    networks: [ ${options.network ?? "default"} ]
    ${options.extra ?? ""}
    deploy: { replicas: ${options.replicas ?? 1}, resources: { limits: { cpus: "0.2", memory: ${options.memory ?? "48m"}, pids: ${options.pids ?? 100} } } }
    x-grid: { placement: { spread: none, nodes: [ ${options.node} ] } }`;

const solution = (name: string, services: readonly string[], rest: string): string => `name: ${name}
x-grid: { budget: 20 TFT/h, deposit: 100 TFT }
services:${services.join("")}
${rest}
`;

beforeAll(async () => {
  grid = await startGrid({ example: false, nodes: 2 });
  internet = fakeInternet();
  nodes = (await grid.status()).nodes;
  const [first, second] = nodes.map((node) => node.id);
  const [, a, b] = await Promise.all([pushProbeImage(grid), newTenant(grid, "alpha"), newTenant(grid, "beta")]);
  [alpha, beta] = [a, b];
  const networks = `networks: { default: { ipam: { config: [ { subnet: ${CIDR} } ] } }, other: { internal: true } }`;
  const alphaFile = alpha.file(
    solution("alpha", [service("near", { node: first, extra: 'volumes: [ "data:/data" ]\n    storage_opt: { size: 32m }' }), service("far", { node: second }), service("sealed", { node: first, network: "other" })], `${networks}\nvolumes: { data: { x-size: 16m } }`),
  );
  const betaFile = beta.file(solution("beta", [service("web", { node: first, replicas: 3 }), service("side", { node: first, network: "other" })], networks));
  await Promise.all([alpha.json("solution", "deploy", alphaFile), beta.json("solution", "deploy", betaFile)]);
  near = await probeOf(alpha, "alpha", "near-1");
  sealed = await probeOf(alpha, "alpha", "sealed-1");
  const others = await Promise.all(["web-1", "web-2", "web-3", "side-1"].map((name) => probeOf(beta, "beta", name)));
  betaIps = others.flatMap((probe) => probe.addresses.map((address) => address.ip));
});
afterAll(async () => {
  for (const listener of listeners) listener.kill("SIGKILL");
  internet?.remove();
  removeTenantFolders();
  await endGrid(grid);
});

interface Target {
  readonly ip: string;
  readonly port: number;
}

/** Those of the targets to which a zmachine can open a connection, all tried at once. */
async function opened(probe: Probe, targets: readonly Target[]): Promise<readonly string[]> {
  const tries = targets.map(({ ip, port }) => `(nc -w 3 ${ip} ${port} -e /bin/true 2>/dev/null && echo OPEN ${ip}:${port}) &`);
  const said = await probe.sh(`${tries.join("\n")}\nwait\necho END`, 60_000);
  expect(said).toContain("END");
  return [...said.matchAll(/OPEN (\S+)/g)].map((match) => match[1] ?? "");
}

/** What answers GET / on port 8080. */
const page = async (probe: Probe, host: string, port = 8080): Promise<string> => probe.sh(`(echo 'GET / HTTP/1.0'; echo) | socat -t 3 - TCP:${host}:${port},connect-timeout=4`);

describe("the network of a tenant", () => {
  it("joins its zmachines on different nodes by service name", async () => {
    expect(near.nodeId).not.toBe((await probeOf(alpha, "alpha", "far-1")).nodeId);
    await until("far answers near", async () => (await page(near, "far")).includes("far\n"));
    // What the tests below rely on: a way that is open is seen as open.
    const far = (await probeOf(alpha, "alpha", "far-1")).addresses[0]?.ip ?? "";
    expect(await opened(near, [{ ip: far, port: 8080 }, { ip: far, port: OPEN_PORT }])).toEqual([`${far}:8080`]);
  });

  it("reaches no zmachine of another tenant, not even one with addresses of the same range on the same node", async () => {
    const own = new Set(near.addresses.map((address) => address.ip));
    const foreign = betaIps.filter((ip) => !own.has(ip));
    expect(foreign.length).toBeGreaterThanOrEqual(3);
    const all = foreign.flatMap((ip) => [{ ip, port: 8080 }, { ip, port: 7000 }]);
    expect(await opened(near, all)).toEqual([]);
    expect(await opened(sealed, all)).toEqual([]);
    for (const ip of betaIps) expect(await near.sh(`ping -c 1 -W 1 ${ip} >/dev/null && echo ${own.has(ip) ? "self" : "ANSWERED"}`)).not.toContain("ANSWERED");
    // The names of others do not exist; its own do.
    const names = await near.sh("nslookup far; echo ---; nslookup web; nslookup side");
    expect(names.split("---")[0]).toMatch(/Name:\s+far/);
    expect(names.split("---")[1]).not.toMatch(/Name:/);
  });

  it("reaches neither core nor mesh of any node, nor the farmer's LAN, nor link-local addresses", async () => {
    const machines = nodes.map((_node, index) => (index < nodes.length - 1 ? `${grid.prefix}-n${index + 1}` : `${grid.prefix}-gw1`));
    for (const machine of machines) for (const netns of [machine, `${machine}-mesh`]) listeners.push(listenIn(netns, OPEN_PORT));
    for (const machine of machines) await until("the listener in the core listens", async () => (await inNetns(machine, ["ss", "-Hlnt"])).includes(String(OPEN_PORT)));
    const { endpoints } = await grid.status();
    const host = new URL(endpoints.chain.url).hostname;
    const lan = [8545, 8546, 8547, 5000, 22].map((port) => ({ ip: host, port }));
    const cores = machines.flatMap((_machine, index) => [OPEN_PORT, 80, 22].map((port) => ({ ip: host.replace(/\d+$/, String(11 + index)), port })));
    const links = ["169.254.1.0", "169.254.1.1", "169.254.2.0", "169.254.2.1", "169.254.64.0", "169.254.64.1", "169.254.64.2", "169.254.64.3", "169.254.169.254"].flatMap((ip) => [OPEN_PORT, 80].map((port) => ({ ip, port })));
    const router = near.addresses[0]?.ip.replace(/\d+$/, "1") ?? "";
    const targets = [...lan, ...cores, ...links, { ip: router, port: OPEN_PORT }];
    expect(await opened(near, targets)).toEqual([]);
    expect(await opened(sealed, targets)).toEqual([]);
    // They are there and answer those who may: the way is closed, not the service.
    expect((await fetch(`${endpoints.chain.url}/health`)).ok).toBe(true);
    for (const machine of machines) expect(await inNetns(machine, ["socat", "-t", "2", "-", `TCP:127.0.0.1:${OPEN_PORT}`])).toContain("reached");
    // The core is closed to the LAN too.
    const connect = (ip: string, port: number): void => void execFileSync("socat", ["-u", "OPEN:/dev/null", `TCP:${ip}:${port},connect-timeout=1`], { stdio: "ignore" });
    connect(host, 8545);
    for (const { ip } of cores.filter((target) => target.port === OPEN_PORT)) expect(() => connect(ip, OPEN_PORT), ip).toThrow();
    for (const listener of listeners.splice(0)) listener.kill("SIGKILL");
  });

  it("goes out to the Internet through translation, unless it is internal", async () => {
    expect(await page(near, internet?.address ?? "", 80)).toContain("internet");
    expect(await opened(sealed, [{ ip: internet?.address ?? "", port: 80 }])).toEqual([]);
  });

  it("sends from its own address only", async () => {
    const said = await near.sh("ip addr add 10.99.77.77/16 dev eth0; ip route add default via 10.99.0.1; ip link set eth0 down; echo END");
    expect(said.match(/not permitted/g)?.length).toBe(3);
  });
});

describe("the core of a node", () => {
  it("listens on nothing, drops what comes in and has no shell", async () => {
    await until("the listeners of the test are gone", async () => execFileSync("nsenter", [`--net=/run/netns/${grid.prefix}-n1`, "ss", "-Hlntu"], { encoding: "utf8" }) === "");
    for (const machine of [`${grid.prefix}-n1`, `${grid.prefix}-n2`, `${grid.prefix}-gw1`]) {
      expect(execFileSync("nsenter", [`--net=/run/netns/${machine}`, "ss", "-Hlntu"], { encoding: "utf8" }), machine).toBe("");
      const { nftables } = JSON.parse(execFileSync("nsenter", [`--net=/run/netns/${machine}`, "nft", "-j", "list", "chain", "inet", "tfgrid_core", "input"], { encoding: "utf8" })) as Json;
      expect(nftables.find((entry: Json) => entry.chain !== undefined).chain).toMatchObject({ hook: "input", policy: "drop" });
    }
  });
});

describe("limits", () => {
  const kib = (said: string, mount: string): number => Number(new RegExp(`(\\d+)\\s+\\d+\\s+\\d+%\\s+${mount}$`, "m").exec(said)?.[1]);

  it("end volumes and the writable layer at their size", async () => {
    const said = await near.sh("dd if=/dev/zero of=/data/fill bs=64k; dd if=/dev/zero of=/tmp/fill bs=64k; df -k /data /; rm /data/fill /tmp/fill; echo END", 60_000);
    expect(said.match(/No space left on device/g)?.length).toBe(2);
    expect(kib(said, "/data")).toBeGreaterThan(12 * 1024);
    expect(kib(said, "/data")).toBeLessThanOrEqual(16 * 1024);
    expect(kib(said, "/")).toBeGreaterThan(24 * 1024);
    expect(kib(said, "/")).toBeLessThanOrEqual(32 * 1024);
    expect(said).toContain("END");
  });

  it("keep two busy loops at the share of the processor that was bought, by the counters that its owner sees", async () => {
    const client = alpha.connect();
    try {
      const before = await metricsOf(client, near, "near-1");
      const spin = near.sh("(while :; do :; done) & (while :; do :; done) & sleep 4; kill $(jobs -p); echo END", 30_000);
      await spin;
      const after = await metricsOf(client, near, "near-1");
      const share = (after.cpuUsageUs - before.cpuUsageUs) / 1000 / (after.timeMs - before.timeMs);
      process.stdout.write(`processor share with a limit of 0.200: ${share.toFixed(3)}\n`);
      expect(share).toBeLessThan(0.25);
      expect(share).toBeGreaterThan(0.05);
    } finally {
      await client.close();
    }
  });

  it("contain a fork bomb and report a zmachine that was ended for its memory", async () => {
    const [first] = nodes.map((node) => node.id);
    const file = alpha.file(solution("hog", [service("bomb", { node: first, pids: 32 }), service("greedy", { node: first, memory: "16m", extra: 'command: [ "exec tail /dev/zero" ]\n    restart: "no"' })], ""));
    await alpha.json("solution", "deploy", file, "--no-wait");
    const greedy = await until("the end for want of memory is reported", async () => {
      const { contracts } = await alpha.json("solution", "status", "hog");
      return contracts.flatMap((contract: Json) => contract.report?.zmachines ?? []).find((zmachine: Json) => zmachine.name === "greedy-1" && zmachine.code === "node.out_of_memory");
    });
    expect(greedy.message).toMatch(/memory/);
    const bomb = await until("the bomb stands ready", () => probeOf(alpha, "hog", "bomb-1"));
    await bomb.sh("i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; echo ALL").then(
      (said) => expect(said).not.toContain("ALL"),
      () => undefined, // the shell itself had no process left to answer with
    );
    expect(bomb.pids().length).toBeGreaterThan(20);
    expect(bomb.pids().length).toBeLessThanOrEqual(32);
    expect(await page(near, "127.0.0.1")).toContain("near");
    await alpha.json("solution", "cancel", "hog");
    await until("everything of it is gone", async () => !existsSync(`/run/netns/${bomb.netns}`));
  });
});

describe("inside a zmachine", () => {
  it("root is nobody on the machine, with default rights, seccomp and no way to new ones", () => {
    const pids = near.pids();
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) {
      const status = Object.fromEntries(readFileSync(`/proc/${pid}/status`, "utf8").split("\n").map((line) => line.split(":\t", 2) as [string, string]));
      const [uid = 0] = status["Uid"]?.split("\t").map(Number) ?? [];
      expect(uid).toBeGreaterThan(100_000);
      expect(readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/).map(Number)).toEqual([0, uid, 65_536]);
      expect(status["Seccomp"]).toBe("2");
      expect(status["NoNewPrivs"]).toBe("1");
      // Docker's default set (a80425fb) and nothing beyond it.
      for (const set of ["CapBnd", "CapEff", "CapPrm"]) expect(BigInt(`0x${status[set]}`) & ~0xa80425fbn, set).toBe(0n);
      expect(BigInt(`0x${status["CapAmb"]}`)).toBe(0n);
    }
  });

  it("tenants have ids of their own on one node", async () => {
    const uidOf = (probe: Probe): string => readFileSync(`/proc/${probe.pids()[0]}/uid_map`, "utf8");
    expect(uidOf(near)).not.toBe(uidOf(await probeOf(beta, "beta", "web-1")));
  });

  it("nothing mounts, makes namespaces or devices, loads modules, restarts or renames the machine", async () => {
    const forbidden = ["mount -t tmpfs x /mnt", "mount -t proc x /mnt", "unshare -U true", "unshare -n true", "unshare -m true", "mknod /tmp/disk b 8 0", "insmod /etc/passwd", "hostname evil", "reboot -f", "dmesg", "echo 1 > /proc/sys/kernel/panic", "echo b > /proc/sysrq-trigger", "echo 1 > /sys/class/net/eth0/mtu", "cat /proc/kcore | head -c 1 | grep .", "ip link add x type dummy"];
    const said = await near.sh(forbidden.map((command, index) => `( ${command} ) >/dev/null 2>&1 && echo DONE ${index}`).join("\n"));
    expect([...said.matchAll(/DONE (\d+)/g)].map((match) => forbidden[Number(match[1])])).toEqual([]);
  });

  it("sees its own processes only", async () => {
    const seen = (await near.sh("ps")).split("\n").filter((line) => /^\s*\d+ /.test(line));
    expect(seen.length).toBeLessThanOrEqual(8);
    expect(seen.join()).not.toMatch(/systemd|node |conmon|dnsmasq/);
  });
});

interface Usage {
  readonly timeMs: number;
  readonly cpuUsageUs: number;
}

async function nodeTwinOf(client: Grid, probe: Probe): Promise<never> {
  return (await client.chain.node(probe.nodeId as never))?.twinId as never;
}

async function metricsOf(client: Grid, probe: Probe, zmachine: string): Promise<Usage> {
  const messenger = await client.messenger();
  const answer = await messenger.request({ to: await nodeTwinOf(client, probe), method: nodeApi.metrics, body: { contractId: probe.contractId as never } });
  const found = answer.zmachines.find((entry) => entry.zmachine === zmachine);
  if (found === undefined) throw new Error(`no metrics of ${zmachine}`);
  return { timeMs: answer.timeMs, cpuUsageUs: found.cpuUsageUs };
}

describe("the API of a node", () => {
  it("tells logs and metrics to their owner and to nobody else", async () => {
    await near.sh("echo for my owner only > /proc/1/fd/1");
    await until("the owner reads the line", async () => (await alpha.cli("solution", "logs", "alpha", "near-1")).stdout.includes("for my owner only"));
    const { id } = await alpha.json("solution", "status", "alpha");
    expect((await beta.refusal("solution", "logs", String(id), "near-1")).code).toBe("node.api_forbidden");
    const stranger = beta.connect();
    try {
      await expect(metricsOf(stranger, near, "near-1")).rejects.toMatchObject({ code: "node.api_forbidden" });
      const messenger = await stranger.messenger();
      const to = await nodeTwinOf(stranger, near);
      await expect(messenger.request({ to, method: nodeApi.status, body: { contractId: near.contractId as never } })).rejects.toMatchObject({ code: "node.api_forbidden" });
      const { contracts } = await messenger.request({ to, method: nodeApi.status, body: {} });
      expect(contracts.map((contract) => contract.contractId)).not.toContain(near.contractId);
    } finally {
      await stranger.close();
    }
  });

  it("has no way to run anything", async () => {
    const client = alpha.connect();
    try {
      const messenger = await client.messenger();
      const to = await nodeTwinOf(client, near);
      for (const name of ["node.exec", "node.shell", "node.run", "node.ssh", "zmachine.exec", "node.attach", "node.write", "node.start", "node.stop", "node.restart", "node.deploy", "node.update", "node.config", "system.exec"]) {
        await expect(messenger.request({ to, method: { kind: "request", name, request: s.hex({ maxLength: 100 }), answer: s.hex({ maxLength: 100 }) }, body: "00" as never }), name).rejects.toMatchObject({ code: "messaging.unknown_method" });
      }
    } finally {
      await client.close();
    }
  });
});

describe("a device of the user", () => {
  it("joins the private network with the printed configuration, by address and by name, until it leaves", async () => {
    const { config } = await alpha.json("network", "join", "alpha", "--device", "laptop");
    const device = joinedDevice(config);
    try {
      const { dns } = device;
      const far = (await probeOf(alpha, "alpha", "far-1")).addresses[0]?.ip;
      await until("the device reaches a zmachine by address", async () => (await device.get(`${far}`)).includes("far\n"));
      const found = await until("the name server answers", async () => /Address(?: 1)?:\s+(10\.99\.\d+\.\d+)\s*$/m.exec(await inNetns(device.netns, ["busybox", "nslookup", "near", dns]))?.[1]);
      expect(found).toBe(near.addresses[0]?.ip);
      expect(await device.get(found)).toContain("near\n");
      await alpha.json("network", "leave", "alpha", "--device", "laptop");
      await until("the network is closed to it", async () => device.get(found).then(() => false, () => true));
    } finally {
      device.remove();
    }
  });
});
