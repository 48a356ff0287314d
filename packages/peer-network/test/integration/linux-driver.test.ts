import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { x25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, type Hex, systemEntropy } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { machineNames } from "../../src/linux/names.ts";
import { pidsIn } from "../../src/linux/netns.ts";
import { INTERNET_HOST, insideOf, inNetns, type Lab, LAN_HOST, type Machine, PORTS, reaches, runIn, startLab, tryRun, until } from "../helpers/lab.ts";

const keyPair = (): { privateKey: Hex; publicKey: Hex } => {
  const secret = systemEntropy.randomBytes(32);
  return { privateKey: bytesToHex(secret), publicKey: bytesToHex(x25519.getPublicKey(secret)) };
};

describe("Linux network driver", () => {
  let lab: Lab;
  let a: Machine;
  let b: Machine;
  let c: Machine;
  const keys = [keyPair(), keyPair(), keyPair()];
  const ports = new Map<string, number>();

  const spec = (key: string, machine: number, cidr = "10.64.0.0/16", internal = false) => ({
    key,
    cidr,
    subnetIndex: machine + 1,
    internal,
    privateKey: (keys[machine] as { privateKey: Hex }).privateKey,
  });
  const peer = (machine: number, key: string, endpoint?: { address: string; port: number }) => ({
    publicKey: (keys[machine] as { publicKey: Hex }).publicKey,
    endpoint: endpoint ?? { address: (lab.machines[machine] as Machine).address, port: ports.get(`${machine} ${key}`) as number },
    allowedIps: [`10.64.${machine + 1}.0/24`],
    keepaliveSec: 25,
  });

  beforeAll(async () => {
    lab = await startLab(3);
    [a, b, c] = lab.machines as [Machine, Machine, Machine];
    await Promise.all(lab.machines.map((machine) => machine.driver.ensureNode({ gateway: machine === a })));
    for (const [index, machine] of lab.machines.entries()) {
      ports.set(`${index} s1-net`, (await machine.driver.ensureZnet(spec("s1-net", index))).listenPort);
    }
    // Another tenant with the same addresses.
    ports.set("0 s2-net", (await a.driver.ensureZnet(spec("s2-net", 0))).listenPort);
    await a.driver.setPeers("s1-net", [peer(1, "s1-net")]);
    await b.driver.setPeers("s1-net", [peer(0, "s1-net")]);
    await a.driver.attach({ key: "c1-web", networks: [{ znet: "s1-net", ip: "10.64.1.10" }] });
    await b.driver.attach({ key: "c2-db", networks: [{ znet: "s1-net", ip: "10.64.2.10" }] });
    await a.driver.attach({ key: "c9-evil", networks: [{ znet: "s2-net", ip: "10.64.1.66" }] });
  });
  afterAll(() => lab.stop());

  test("a zmachine reaches its neighbours and zmachines on other nodes", async () => {
    const { nameserver } = await a.driver.attach({ key: "c1-two", networks: [{ znet: "s1-net", ip: "10.64.1.11" }] });
    expect(nameserver).toBe("10.64.1.1");
    expect(await reaches(insideOf(a, "c1-web"), "10.64.1.11")).toBe(true);
    const took = await until("WireGuard between the nodes", () => reaches(insideOf(a, "c1-web"), "10.64.2.10"));
    console.log(`first reply over WireGuard after ${took.toFixed(0)} ms`);
    expect(await reaches(insideOf(b, "c2-db"), "10.64.1.10")).toBe(true);
    const [status] = await a.driver.peerStatus("s1-net");
    expect(status).toMatchObject({ publicKey: keys[1]?.publicKey });
    expect(status?.lastHandshakeMs).toBeGreaterThan(0);
    expect(status?.rxBytes).toBeGreaterThan(0);
  });

  test("names are answered, change at once, and unknown ones do not leave", async () => {
    const ask = async (name: string) => (await tryRun(...inNetns(insideOf(a, "c1-web"), "busybox", ["nslookup", "-type=a", name, "10.64.1.1"]))).stdout;
    await a.driver.setNames("s1-net", [{ name: "db", ips: ["10.64.2.10"] }]);
    await until("db is known", async () => (await ask("db")).includes("10.64.2.10"));
    await a.driver.setNames("s1-net", [{ name: "db", ips: ["10.64.2.11"] }]);
    const took = await until("db has moved", async () => (await ask("db")).includes("10.64.2.11"));
    expect(await ask("db")).not.toContain("10.64.2.10");
    console.log(`name change visible after ${took.toFixed(0)} ms`);
    expect(await ask("nobody")).toContain("NXDOMAIN");
  });

  test("out to the Internet, but not to private addresses, the node or the LAN", async () => {
    const web = insideOf(a, "c1-web");
    expect(await reaches(web, INTERNET_HOST)).toBe(true);
    expect(await reaches(web, LAN_HOST), "host on the farm's LAN").toBe(false);
    expect(await reaches(web, a.address), "the node itself").toBe(false);
    for (const address of ["169.254.1.0", "169.254.1.1", "169.254.64.0", "192.168.77.254"]) expect(await reaches(web, address), address).toBe(false);
  });

  test("what passes to and from the Internet is counted by network, and nothing else is", async () => {
    const before = await Promise.all(["s1-net", "s2-net"].map((key) => a.driver.publicBytes(key)));
    // Ten echoes of 1,000 bytes of data, 1,042 with their headers, there and back; and some to a neighbour, which stay inside.
    await runIn(insideOf(a, "c1-web"), "ping", ["-c10", "-i0.01", "-s1000", "-W2", INTERNET_HOST]);
    await runIn(insideOf(a, "c1-web"), "ping", ["-c10", "-i0.01", "-s1000", "-W2", "10.64.1.1"]);
    const after = await Promise.all(["s1-net", "s2-net"].map((key) => a.driver.publicBytes(key)));
    const [grown, other] = after.map((bytes, index) => bytes - (before[index] ?? 0));
    expect(grown).toBeGreaterThanOrEqual(20_840);
    expect(grown).toBeLessThan(22_500);
    expect(other).toBeLessThan(500);
  });

  test("tenants with the same addresses do not see each other", async () => {
    const evil = insideOf(a, "c9-evil");
    expect(await reaches(evil, "10.64.1.1")).toBe(true);
    expect(await reaches(evil, "10.64.1.10")).toBe(false);
    expect(await reaches(evil, "10.64.2.10")).toBe(false);
    expect(await reaches(evil, "169.254.64.1")).toBe(false);
  });

  test("a zmachine cannot speak from an address that is not its own, nor by IPv6", async () => {
    const two = insideOf(a, "c1-two");
    await runIn(two, "ip", ["addr", "add", "10.64.1.99/24", "dev", "eth0"]);
    expect((await tryRun(...inNetns(two, "ping", ["-c1", "-W1", "-I", "10.64.1.99", "10.64.1.10"]))).exitCode).not.toBe(0);
    await runIn(two, "ip", ["addr", "del", "10.64.1.99/24", "dev", "eth0"]);
    expect(await reaches(two, "10.64.1.10")).toBe(true);
    expect(await runIn(two, "cat", ["/proc/net/if_inet6"])).toBe("");
  });

  test("the core has no listening socket and accepts nothing", async () => {
    for (const machine of lab.machines) {
      expect((await runIn(machine.netns, "ss", ["-Hlntu"])).trim()).toBe("");
      expect(await reaches(lab.lanHost, machine.address)).toBe(false);
    }
    expect(await runIn(`${a.netns}-mesh`, "ss", ["-Hlnu"])).toContain(`:${ports.get("0 s1-net")}`);
  });

  test("an internal network has no way out", async () => {
    await a.driver.ensureZnet(spec("s3-back", 0, "10.99.0.0/16", true));
    await a.driver.attach({ key: "c3-in", networks: [{ znet: "s3-back", ip: "10.99.1.5" }] });
    expect(await reaches(insideOf(a, "c3-in"), "10.99.1.1")).toBe(true);
    expect(await reaches(insideOf(a, "c3-in"), INTERNET_HOST)).toBe(false);
    await a.driver.detach("c3-in");
    await a.driver.removeZnet("s3-back");
    expect((await a.driver.list()).znets).toEqual(["s1-net", "s2-net"]);
  });

  test("the gateway namespace reaches zmachines by the alias and gets web requests with the client's address", async () => {
    const { aliasCidr } = await a.driver.linkGateway("s1-net");
    const alias = aliasCidr.replace(/0\.0\/16$/, "");
    const gateway = `${a.netns}-gw`;
    await until("own zmachine", () => reaches(gateway, `${alias}1.10`));
    expect(await reaches(gateway, `${alias}2.10`), "zmachine on another node").toBe(true);
    expect(await reaches(insideOf(a, "c1-web"), "169.254.192.0"), "back into the gateway").toBe(false);
    const listen = tryRun(...inNetns(gateway, "timeout", ["5", "socat", "-u", "TCP-LISTEN:80,fork,reuseaddr", "SYSTEM:echo $SOCAT_PEERADDR >&2; kill $PPID"]));
    await until("web port", async () => (await tryRun(...inNetns(lab.lanHost, "socat", ["-u", "OPEN:/dev/null", `TCP:${a.address}:80,connect-timeout=1`]))).exitCode === 0);
    expect((await listen).stderr).toContain(LAN_HOST);
  });

  test("everything is idempotent and survives a new agent; nothing that is right is touched", async () => {
    const pidsBefore = await pidsIn(`${a.netns}-mesh`);
    const driver = a.newDriver();
    await driver.ensureNode({ gateway: true });
    expect((await driver.ensureZnet(spec("s1-net", 0))).listenPort).toBe(ports.get("0 s1-net"));
    await driver.setPeers("s1-net", [peer(1, "s1-net")]);
    await driver.attach({ key: "c1-web", networks: [{ znet: "s1-net", ip: "10.64.1.10" }] });
    expect(await reaches(insideOf(a, "c1-web"), "10.64.2.10")).toBe(true);
    expect(await pidsIn(`${a.netns}-mesh`)).toEqual(pidsBefore);
    expect(await driver.list()).toEqual({ znets: ["s1-net", "s2-net"], attachments: ["c1-two", "c1-web", "c9-evil"] });
  });

  test("tunnels go on when the agent is killed, and the next agent finds them", async () => {
    const netns = `${b.netns}-z-s4-kill`;
    const program = fileURLToPath(new URL("../helpers/short-agent.ts", import.meta.url));
    const config = { machineNetns: b.netns, dataDir: b.dataDir, spec: { ...spec("s4-kill", 1), cidr: "10.80.0.0/16" } };
    const child = spawn(process.execPath, [program, JSON.stringify(config)], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    child.kill("SIGKILL");
    await once(child, "close");
    const port = Number(line.toString());
    expect(await runIn(`${b.netns}-mesh`, "ss", ["-Hlnu"])).toContain(`:${port}`);
    const before = await pidsIn(`${b.netns}-mesh`);
    const driver = b.newDriver();
    expect((await driver.ensureZnet(config.spec)).listenPort).toBe(port);
    expect(await pidsIn(`${b.netns}-mesh`)).toEqual(before);
    await driver.removeZnet("s4-kill");
    expect(await runIn(`${b.netns}-mesh`, "ss", ["-Hlnu"])).not.toContain(`:${port} `);
    expect((await tryRun("ip", ["-n", netns, "link"])).exitCode).not.toBe(0);
  });

  test("half-made things are repaired by calling again", async () => {
    const web = insideOf(a, "c1-web");
    await runIn(web, "ip", ["link", "del", "eth0"]);
    await a.driver.attach({ key: "c1-web", networks: [{ znet: "s1-net", ip: "10.64.1.10" }] });
    expect(await reaches(web, "10.64.1.11")).toBe(true);
    // The tunnel's process dies.
    await runIn(`${b.netns}-z-s1-net`, "ip", ["link", "del", machineNames(b.netns).wireguard("s1-net")]);
    await b.driver.ensureZnet(spec("s1-net", 1));
    await b.driver.setPeers("s1-net", [peer(0, "s1-net")]);
    await until("tunnel is back", () => reaches(insideOf(b, "c2-db"), "10.64.1.10"));
  });

  test("a third node forwards ciphertext both ways and stops at once when told", async () => {
    const relayPort = PORTS.last;
    const end = (machine: number) => ({ address: (lab.machines[machine] as Machine).address, port: ports.get(`${machine} s1-net`) as number });
    // The direct way is cut on the LAN.
    await runIn(a.netns, "nft", ["-f", "-"], {
      stdin: `table ip cut { chain c { type filter hook postrouting priority 0; ip daddr ${b.address} udp dport ${PORTS.first}-${PORTS.last} drop; }; }`,
    });
    await runIn(b.netns, "nft", ["-f", "-"], {
      stdin: `table ip cut { chain c { type filter hook postrouting priority 0; ip daddr ${a.address} udp dport ${PORTS.first}-${PORTS.last} drop; }; }`,
    });
    expect(await reaches(insideOf(a, "c1-web"), "10.64.2.10")).toBe(false);
    await c.driver.setForwards([
      { listenPort: relayPort, from: { address: a.address }, to: end(1) },
      { listenPort: relayPort, from: { address: b.address }, to: end(0) },
    ]);
    const viaC = { address: c.address, port: relayPort };
    await a.driver.setPeers("s1-net", [peer(1, "s1-net", viaC)]);
    await b.driver.setPeers("s1-net", [peer(0, "s1-net", viaC)]);
    const took = await until("over the third node", () => reaches(insideOf(a, "c1-web"), "10.64.2.10"));
    console.log(`over the third node after ${took.toFixed(0)} ms`);
    await c.driver.setForwards([]);
    expect(await reaches(insideOf(a, "c1-web"), "10.64.2.10")).toBe(false);
    for (const machine of [a, b]) await runIn(machine.netns, "nft", ["delete", "table", "ip", "cut"]);
    await a.driver.setPeers("s1-net", [peer(1, "s1-net")]);
    await b.driver.setPeers("s1-net", [peer(0, "s1-net")]);
    await until("direct again", () => reaches(insideOf(a, "c1-web"), "10.64.2.10"));
  });

  test("many are attached and detached", async () => {
    const times: number[] = [];
    for (let index = 0; index < 10; index += 1) {
      const start = performance.now();
      await a.driver.attach({ key: `c5-${index}`, networks: [{ znet: "s1-net", ip: `10.64.1.${100 + index}` }] });
      times.push(performance.now() - start);
    }
    const median = times.toSorted((x, y) => x - y)[5] as number;
    console.log(`attach: median ${median.toFixed(1)} ms, all ${times.map((time) => time.toFixed(0)).join(" ")}`);
    for (let index = 0; index < 10; index += 1) await a.driver.detach(`c5-${index}`);
    expect((await a.driver.list()).attachments).not.toContain("c5-0");
  });

  test("teardown leaves nothing", async () => {
    await b.driver.teardown();
    expect(await b.driver.list()).toEqual({ znets: [], attachments: [] });
    const left = (await tryRun("ip", ["netns", "list"])).stdout.split("\n").filter((line) => line.startsWith(`${b.netns}-`));
    expect(left).toEqual([]);
    expect(await runIn(b.netns, "nft", ["list", "ruleset"])).toBe("");
    await b.driver.teardown();
  });
});
