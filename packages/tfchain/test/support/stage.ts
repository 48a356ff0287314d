/**
 * Machines for a test: a network namespace each, joined by a bridge that this machine is on too. Everything carries one random
 * prefix, and is removed by it.
 */
import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";

export interface Machine {
  readonly name: string;
  readonly netns: string;
  readonly address: string;
}

export class Stage {
  /** Interface names have at most 15 characters. */
  readonly prefix = `vt${randomBytes(3).toString("hex")}`;
  readonly #subnet = freeSubnet();
  readonly #bridge = `${this.prefix}-br`;
  readonly #machines = new Map<string, Machine>();

  constructor() {
    run("ip", "link", "add", this.#bridge, "type", "bridge");
    run("ip", "addr", "add", `${this.#subnet}.1/24`, "dev", this.#bridge);
    run("ip", "link", "set", this.#bridge, "up");
  }

  add(name: string): Machine {
    const machine = { name, netns: `${this.prefix}-${name}`, address: `${this.#subnet}.${11 + this.#machines.size}` };
    const { netns } = machine;
    this.#machines.set(name, machine);
    run("ip", "netns", "add", netns);
    run("ip", "link", "add", netns, "type", "veth", "peer", "name", "eth0", "netns", netns);
    run("ip", "link", "set", netns, "master", this.#bridge, "up");
    run("ip", "-n", netns, "addr", "add", `${machine.address}/24`, "dev", "eth0");
    for (const link of ["lo", "eth0"]) run("ip", "-n", netns, "link", "set", link, "up");
    return machine;
  }

  /** Words before a command that make it run on the machine. */
  on(machine: Machine): readonly string[] {
    return ["nsenter", `--net=/run/netns/${machine.netns}`];
  }

  /** Between this machine and the other machines nothing passes any more; who tests still reaches it. */
  isolate({ netns }: Machine): void {
    const others = `{ ${this.#subnet}.8/29, ${this.#subnet}.16/28 }`;
    nft(
      netns,
      `table inet cut {
        chain in { type filter hook input priority 0; iifname "eth0" ip saddr ${others} drop; }
        chain out { type filter hook output priority 0; oifname "eth0" ip daddr ${others} drop; }
      }
`,
    );
  }

  heal({ netns }: Machine): void {
    nft(netns, "delete table inet cut\n");
  }

  /** Whatever of it is there, also after a start that failed half-way. */
  remove(): void {
    for (const { netns } of this.#machines.values()) {
      if (!existsSync(`/run/netns/${netns}`)) continue;
      for (const pid of run("ip", "netns", "pids", netns).split("\n").filter(Boolean)) endProcess(Number(pid));
      run("ip", "netns", "del", netns);
    }
    for (const link of readdirSync("/sys/class/net").filter((name) => name.startsWith(this.prefix))) {
      try {
        run("ip", "link", "del", link);
      } catch (error) {
        // A link goes with its namespace, a moment after it.
        if (existsSync(`/sys/class/net/${link}`)) throw error;
      }
    }
  }
}

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

function nft(netns: string, rules: string): void {
  execFileSync("nsenter", [`--net=/run/netns/${netns}`, "nft", "-f", "-"], { input: rules, stdio: ["pipe", "ignore", "pipe"] });
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A /24 of 10.200-249 that nothing on this machine is routed to. */
function freeSubnet(): string {
  for (;;) {
    const subnet = `10.${randomInt(200, 250)}.${randomInt(256)}`;
    if (run("ip", "route", "show", `${subnet}.0/24`) === "") return subnet;
  }
}
