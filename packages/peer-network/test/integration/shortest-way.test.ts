/** The whole room on a real kernel: three nodes, the direct way of two of them slow, the third between them quick. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bytesToHex, silentLogger } from "@tfgrid/primitives";
import { afterAll, beforeAll, expect, test } from "vitest";
import { joinConfig } from "../../src/join-config.ts";
import { openMeshSocket } from "../../src/linux/mesh-socket.ts";
import { controlSocket } from "../../src/linux/wireguard.ts";
import { meshPorts } from "../../src/linux/names.ts";
import { createPeerNetwork, type PeerNetwork } from "../../src/network/create.ts";
import { fakeChain, fakeMessaging, fakeNode, SOLUTION } from "../helpers/fake-grid.ts";
import { inNetns, insideOf, type Lab, LAN_HOST, type Machine, PORTS, reaches, runIn, startLab, tryRun, until } from "../helpers/lab.ts";

const DELAY_MS = 40;
const SECOND_HOST = "192.168.77.201";
const ports = meshPorts(PORTS);
let lab: Lab;
let slowRoad: ChildProcess | undefined;
let networks: PeerNetwork[] = [];
const [a, b, c] = [0, 1, 2].map((index) => fakeNode(index, `192.168.77.${index + 1}`)) as [ReturnType<typeof fakeNode>, ReturnType<typeof fakeNode>, ReturnType<typeof fakeNode>];
const machine = (index: number): Machine => lab.machines[index] as Machine;
const chain = fakeChain({ nodes: [a, b, c], members: [a.id, b.id], portOf: () => ports.znets.first, probePort: ports.probe });

beforeAll(async () => {
  lab = await startLab(3);
  await Promise.all(lab.machines.map(({ driver }) => driver.ensureNode({ gateway: false })));
  await openSlowRoad();
  for (const [index, node] of [a, b].entries()) {
    const { driver } = machine(index);
    await driver.ensureZnet({ key: "s7-net", cidr: "10.64.0.0/16", subnetIndex: node.id, internal: false, privateKey: bytesToHex(node.meshPrivateKey) });
    await driver.attach({ key: "c1-web", networks: [{ znet: "s7-net", ip: `10.64.${node.id}.10` }] });
  }
  const messengerOf = fakeMessaging((action) => action());
  networks = await Promise.all(
    [a, b, c].map(async (node, index) => {
      const network = createPeerNetwork({
        nodeId: node.id,
        pair: node.keys,
        meshPrivateKey: node.meshPrivateKey,
        driver: machine(index).driver,
        chain,
        messenger: messengerOf(node.twinId, node.keys),
        socket: await openMeshSocket({ machineNetns: machine(index).netns, port: ports.probe }),
        ports,
        logger: silentLogger,
      });
      const local = [{ name: `web-${node.id}`, service: "web", aliases: [], ip: `10.64.${node.id}.10`, ready: true }];
      if (index < 2) network.setZnets([{ key: "s7-net", solutionId: SOLUTION, name: "net", cidr: "10.64.0.0/16", subnetIndex: node.id, local }]);
      return network;
    }),
  );
});

afterAll(async () => {
  await Promise.all(networks.map((network) => network.stop()));
  slowRoad?.kill("SIGKILL");
  await lab.stop();
});

/** Packets between the two machines make a detour over a relay that holds them back: each direction has its own address. */
async function openSlowRoad(): Promise<void> {
  await runIn(lab.lanHost, "ip", ["addr", "add", `${SECOND_HOST}/24`, "dev", "eth0"]);
  const road = (address: string, to: string, port: number) => ({ address, to, port, delayMs: DELAY_MS / 2 });
  const roads = [ports.probe, ports.znets.first].flatMap((port) => [road(LAN_HOST, b.address, port), road(SECOND_HOST, a.address, port)]);
  const program = fileURLToPath(new URL("../helpers/delay-relay.ts", import.meta.url));
  const child = spawn(...inNetns(lab.lanHost, process.execPath, [program, JSON.stringify({ roads })]), { stdio: ["ignore", "pipe", "inherit"] });
  slowRoad = child;
  await once(child.stdout, "data");
  const detour = (to: string, over: string): string =>
    `table ip lab { chain c { type nat hook prerouting priority dstnat - 10; iifname "mesh0" ip daddr ${to} udp dport { ${ports.probe}, ${ports.znets.first} } dnat to ${over}; }; }`;
  await runIn(machine(0).netns, "nft", ["-f", "-"], { stdin: detour(b.address, LAN_HOST) });
  await runIn(machine(1).netns, "nft", ["-f", "-"], { stdin: detour(a.address, SECOND_HOST) });
}

const pathOf = (index: number): string => networks[index]?.status().paths[0]?.path.join("-") ?? "";
const web = (index: number): string => insideOf(machine(index), "c1-web");

async function pingMs(): Promise<number> {
  const { stdout } = await tryRun(...inNetns(web(0), "ping", ["-c", "5", "-i", "0.1", "-W", "1", "10.64.2.10"]));
  return Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? Number.NaN);
}

test("the quick way over the third node is found and used in both directions", async () => {
  const took = await until("the path over the third node", () => pathOf(0) === "1-3-2" && pathOf(1) === "2-3-1");
  await until("traffic", () => reaches(web(0), "10.64.2.10"));
  let ms = Number.NaN;
  // Packets under way lead the ends back for a moment; both insist on the new way.
  await until("quick answers", async () => (ms = await pingMs()) < DELAY_MS / 2);
  const [path] = networks[0]?.status().paths ?? [];
  console.log(`over the third node after ${took.toFixed(0)} ms; ping ${ms} ms, measured ${path?.delayUs} us; direct link ${JSON.stringify(networks[0]?.status().links)}`);
  const direct = networks[0]?.status().links.find((link) => link.to === b.id);
  expect(direct?.delayUs).toBeGreaterThan(DELAY_MS * 950);
});

test("the third node passes WireGuard messages only, holds no key of the network and no interface of it", async () => {
  const mesh = `${machine(2).netns}-mesh`;
  // First 32 bits of the UDP payload: WireGuard's message types 1 to 4.
  await runIn(mesh, "nft", ["-f", "-"], {
    stdin: `table ip look { counter wireguard { }; counter other { }; chain c { type filter hook forward priority 10; meta l4proto udp @th,64,32 { 0x01000000, 0x02000000, 0x03000000, 0x04000000 } counter name wireguard accept; counter name other; }; }`,
  });
  expect((await tryRun(...inNetns(web(0), "ping", ["-c", "20", "-i", "0.05", "-p", "cafebabe", "10.64.2.10"]))).exitCode).toBe(0);
  const counters = await runIn(mesh, "nft", ["-j", "list", "counters", "table", "ip", "look"]);
  const packets = (name: string): number => {
    const found = (JSON.parse(counters) as { nftables: { counter?: { name: string; packets: number } }[] }).nftables;
    return found.find((entry) => entry.counter?.name === name)?.counter?.packets ?? Number.NaN;
  };
  expect(packets("wireguard")).toBeGreaterThanOrEqual(40);
  expect(packets("other")).toBe(0);
  expect((await machine(2).driver.list()).znets).toEqual([]);
});

test("names of zmachines on other nodes are answered from the chain's reports", async () => {
  const ask = async (): Promise<string> => (await tryRun(...inNetns(web(0), "busybox", ["nslookup", "-type=a", "web", "10.64.1.1"]))).stdout;
  await until("both zmachines of the service", async () => {
    const answer = await ask();
    return answer.includes("10.64.1.10") && answer.includes("10.64.2.10");
  });
});

test("the core still has no socket that listens", async () => {
  for (const { netns } of lab.machines) expect((await runIn(netns, "ss", ["-Hlntu"])).trim()).toBe("");
});

test("when the quick way dies, traffic goes on over the slow one; it returns without loss", async () => {
  const ping = tryRun(...inNetns(web(0), "ping", ["-c", "150", "-i", "0.1", "-W", "1", "10.64.2.10"]), { timeoutMs: 60_000 });
  await runIn(machine(2).netns, "nft", ["-f", "-"], { stdin: "table ip dead { chain c { type filter hook prerouting priority -300; iifname eth0 drop; }; }" });
  const left = await until("direct", () => pathOf(0) === "1-2");
  await until("traffic over the slow way", () => reaches(web(1), "10.64.1.10"));
  await runIn(machine(2).netns, "nft", ["delete", "table", "ip", "dead"]);
  const back = await until("back on the quick way", () => pathOf(0) === "1-3-2");
  const { stdout } = await ping;
  const lost = 150 - Number(/(\d+) received/.exec(stdout)?.[1]);
  console.log(`left the dead way after ${left.toFixed(0)} ms; ${(lost / 10).toFixed(1)} s of pings lost in all; back after ${back.toFixed(0)} ms`);
  // Ten pings a second: what was lost was lost before the ends had left the dead way, and none on the way back.
  expect(lost * 100).toBeLessThan(left + 1_500);
});

test("a device's configuration comes from the chain alone", async () => {
  const device = fakeNode(9);
  const members = [{ name: "laptop", twinId: device.twinId, network: "net", publicKey: device.meshKey, ip: "10.64.255.2" }];
  const withMember = fakeChain({ nodes: [a, b, c], members: [a.id, b.id], portOf: () => ports.znets.first, probePort: ports.probe, solutionMembers: members });
  const config = await joinConfig({ chain: withMember, solutionId: SOLUTION, device: "laptop", privateKey: device.meshPrivateKey });
  const peer = { publicKey: device.meshKey, allowedIps: ["10.64.255.2/32"], keepaliveSec: 0 };
  await networks[0]?.stop();
  networks = networks.slice(1);
  const other = { publicKey: b.meshKey, allowedIps: ["10.64.2.0/24"], keepaliveSec: 25 };
  await machine(0).driver.setPeers("s7-net", [other, peer]);
  // The device itself: a further namespace on the LAN with any WireGuard.
  const { lanHost } = lab;
  const name = `wgj${Math.floor(Math.random() * 1e9)}`;
  const wireguard = spawn(...inNetns(lanHost, "wireguard-go", ["-f", name]), { stdio: "ignore", env: { ...process.env, LOG_LEVEL: "error" } });
  try {
    await until("device", async () => (await tryRun(...inNetns(lanHost, "ip", ["link", "show", name]))).exitCode === 0);
    const plain = config.split("\n").filter((line) => !/^(Address|DNS|MTU)/.test(line)).join("\n");
    await runIn(lanHost, "sh", ["-c", `cat | wg setconf ${name} /dev/stdin`], { stdin: plain });
    await runIn(lanHost, "ip", ["addr", "add", "10.64.255.2/32", "dev", name]);
    await runIn(lanHost, "ip", ["link", "set", name, "up", "mtu", "1420"]);
    await runIn(lanHost, "ip", ["route", "add", "10.64.0.0/16", "dev", name]);
    await until("the device reaches a zmachine", () => reaches(lanHost, "10.64.1.10"));
    const { stdout } = await tryRun(...inNetns(lanHost, "busybox", ["nslookup", "-type=a", "web", "10.64.1.1"]));
    expect(stdout).toContain("10.64.1.10");
  } finally {
    wireguard.kill("SIGKILL");
    await rm(controlSocket(name), { force: true });
  }
});

