/** What a test sets up around a grid: a stand-in for the Internet, and listeners where nobody may get in. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inNetns } from "./tenants.ts";

export interface FakeInternet {
  /** A public address (RFC 5737) that answers `internet` on port 80. */
  readonly address: string;
  remove(): void;
}

const run = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: "utf8" });

/** The kernel removes a namespace's links some time after its name: the link on this side is removed by its own name. */
function removeStage(name: string): void {
  execFileSync("sh", ["-c", `ip link del ${name}h; ip netns del ${name}`], { stdio: "ignore" });
}

/** A namespace beyond the bridge, routed to by this machine as its Internet uplink would be. */
export function fakeInternet(): FakeInternet {
  const name = `e2e${randomBytes(3).toString("hex")}`;
  const address = `203.0.113.${randomInt(1, 254)}`;
  const block = 4 * randomInt(0, 63);
  const folder = mkdtempSync("/var/tmp/tfgrid-internet-");
  writeFileSync(join(folder, "index.html"), "internet\n");
  run("ip", "netns", "add", name);
  run("ip", "link", "add", `${name}h`, "type", "veth", "peer", "name", "eth0", "netns", name);
  run("ip", "addr", "add", `192.0.2.${block + 1}/30`, "dev", `${name}h`);
  run("ip", "link", "set", `${name}h`, "up");
  run("ip", "-n", name, "addr", "add", `192.0.2.${block + 2}/30`, "dev", "eth0");
  run("ip", "-n", name, "addr", "add", `${address}/32`, "dev", "lo");
  run("ip", "-n", name, "link", "set", "lo", "up");
  run("ip", "-n", name, "link", "set", "eth0", "up");
  // No way back but the link itself: an answer comes only when the sender's address was translated on the way.
  run("ip", "route", "add", `${address}/32`, "via", `192.0.2.${block + 2}`);
  const server = spawn("nsenter", [`--net=/run/netns/${name}`, "busybox", "httpd", "-f", "-p", "80", "-h", folder], { stdio: "ignore" });
  return {
    address,
    remove: () => {
      server.kill("SIGKILL");
      removeStage(name);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A service that listens on all addresses of a namespace: reached only through a hole in its packet filter. */
export function listenIn(netns: string, port: number): ChildProcess {
  return spawn("nsenter", [`--net=/run/netns/${netns}`, "socat", `TCP-LISTEN:${port},fork,reuseaddr`, "SYSTEM:echo reached"], { stdio: "ignore" });
}

export interface JoinedDevice {
  readonly netns: string;
  /** Name server that the configuration names. */
  readonly dns: string;
  /** GET / on port 8080. @throws Error when nothing answers */
  get(ip: string): Promise<string>;
  remove(): void;
}

/** Does what wg-quick does with a printed configuration, in a namespace that stands for a laptop somewhere on the Internet. */
export function joinedDevice(config: string): JoinedDevice {
  const name = `e2e${randomBytes(3).toString("hex")}`;
  const block = 4 * randomInt(0, 63);
  const folder = mkdtempSync("/var/tmp/tfgrid-device-");
  const value = (key: string): string => new RegExp(`^${key} = (.+)$`, "m").exec(config)?.[1] ?? "";
  const subnets = [...config.matchAll(/^AllowedIPs = (.+)$/gm)].map((match) => match[1] ?? "");
  run("ip", "netns", "add", name);
  run("ip", "link", "add", `${name}h`, "type", "veth", "peer", "name", "eth0", "netns", name);
  run("ip", "addr", "add", `198.51.100.${block + 1}/30`, "dev", `${name}h`);
  run("ip", "link", "set", `${name}h`, "up");
  const inside = (...args: readonly string[]): string => run("ip", "-n", name, ...args);
  inside("addr", "add", `198.51.100.${block + 2}/30`, "dev", "eth0");
  inside("link", "set", "lo", "up");
  inside("link", "set", "eth0", "up");
  inside("route", "add", "default", "via", `198.51.100.${block + 1}`);
  const wireguard = wireguardIn(name);
  writeFileSync(join(folder, "wg.conf"), config.replaceAll(/^(Address|DNS|MTU) = .+\n/gm, ""), { mode: 0o600 });
  run("nsenter", `--net=/run/netns/${name}`, "wg", "setconf", `${name}w`, join(folder, "wg.conf"));
  inside("addr", "add", value("Address"), "dev", `${name}w`);
  inside("link", "set", `${name}w`, "mtu", value("MTU"), "up");
  for (const subnet of subnets) inside("route", "add", subnet, "dev", `${name}w`);
  return {
    netns: name,
    dns: value("DNS"),
    get: (ip) => inNetns(name, ["socat", "-t", "2", "-", `TCP:${ip}:8080,connect-timeout=2`], { input: "GET / HTTP/1.0\r\n\r\n" }),
    remove: () => {
      wireguard?.kill("SIGKILL");
      removeStage(name);
      rmSync(`/var/run/wireguard/${name}w.sock`, { force: true });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The kernel's WireGuard, or one in user space where the kernel has none. */
function wireguardIn(netns: string): ChildProcess | undefined {
  try {
    execFileSync("ip", ["-n", netns, "link", "add", `${netns}w`, "type", "wireguard"], { stdio: "ignore" });
    return undefined;
  } catch {
    const child = spawn("nsenter", [`--net=/run/netns/${netns}`, "wireguard-go", "-f", `${netns}w`], { stdio: "ignore" });
    run("sh", "-c", `for i in $(seq 100); do [ -S /var/run/wireguard/${netns}w.sock ] && exit 0; sleep 0.05; done; exit 1`);
    return child;
  }
}
