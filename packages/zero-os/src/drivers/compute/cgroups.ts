/** Control groups, version 1 (one tree per controller), 2 (one tree) and hybrid (both), behind one set of questions. */
import { mkdir, readdir, readFile, rmdir } from "node:fs/promises";
import type { Clock } from "@tfgrid/primitives";
import { fail } from "./errors.ts";
import { errnoOf, isAbsent, readIfExists } from "./files.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { parseMountInfo } from "./mounts.ts";

export interface CgroupLayout {
  /** True: one tree with all controllers (cgroup v2). */
  readonly unified: boolean;
  /** Hybrid machines: controllers that only the v2 tree has; crun refuses those machines. */
  readonly strayControllers: readonly string[];
  /** Mount point per v1 controller, `unified` for the v2 tree. */
  readonly roots: ReadonlyMap<string, string>;
}

export interface CgroupUsage {
  readonly cpuUsageUs: number;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  readonly pids: number;
}

export async function detectCgroups(): Promise<CgroupLayout> {
  const roots = new Map<string, string>();
  for (const mount of parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"))) {
    if (mount.type === "cgroup2" && !roots.has("unified")) roots.set("unified", mount.path);
    if (mount.type !== "cgroup") continue;
    for (const option of mount.superOptions.split(",")) if (option !== "rw" && option !== "ro") roots.set(option, mount.path);
  }
  const v2 = roots.get("unified");
  const controllers = v2 === undefined ? [] : ((await readIfExists(`${v2}/cgroup.controllers`)) ?? "").split(/\s+/).filter(Boolean);
  const unified = !roots.has("memory");
  if (unified && !controllers.includes("memory")) {
    throw fail("compute.system_failed", {
      message: "This machine has no control group for memory, so limits cannot be held.",
      details: { controllers: controllers.join(" ") },
    });
  }
  return { unified, strayControllers: unified ? [] : controllers, roots };
}

/** All groups below one parent, for example `/tfgrid/node1`. */
export class Cgroups {
  readonly layout: CgroupLayout;
  readonly #parent: string;
  readonly #clock: Clock;

  constructor(options: { readonly layout: CgroupLayout; readonly parent: string; readonly clock: Clock }) {
    this.layout = options.layout;
    this.#parent = options.parent;
    this.#clock = options.clock;
  }

  /** As in `linux.cgroupsPath` and /proc/PID/cgroup. */
  path(name: string): string {
    return `${this.#parent}/${name}`;
  }

  /** Groups for our own supervisors: outside the agent's service, so that its restart does not end them. */
  async ensureSupervisors(): Promise<readonly string[]> {
    const hierarchies = this.layout.unified ? ["unified"] : ["memory", "pids", "name=systemd", "unified"];
    const folders: string[] = [];
    for (const hierarchy of hierarchies) {
      const root = this.layout.roots.get(hierarchy);
      if (root === undefined) continue;
      const folder = `${root}${this.path("supervisors")}`;
      await mkdir(folder, { recursive: true });
      folders.push(folder);
    }
    return folders;
  }

  /** Is this process in the zmachine's group? Proof against a reused process id. */
  async contains(name: string, pid: number): Promise<boolean> {
    const text = await readProc(`/proc/${pid}/cgroup`);
    return (
      text !== undefined && text.split("\n").some((line) => line.endsWith(`:${this.path(name)}`) || line.includes(`:${this.path(name)}/`))
    );
  }

  async usage(name: string): Promise<CgroupUsage | undefined> {
    return this.layout.unified ? await this.#usageV2(name) : await this.#usageV1(name);
  }

  async oomKills(name: string): Promise<number> {
    const text = this.layout.unified
      ? await readProc(`${this.#folder("unified", name)}/memory.events`)
      : await readProc(`${this.#folder("memory", name)}/memory.oom_control`);
    return field(text ?? "", "oom_kill");
  }

  /** Kills whatever is left in the group and removes it from every tree. */
  async remove(name: string): Promise<void> {
    const folders = [...new Set(this.layout.roots.values())].map((root) => `${root}${this.path(name)}`);
    const deadline = this.#clock.nowMs() + L.killTimeoutMs;
    for (;;) {
      let left = "";
      for (const folder of folders) {
        await killAll(folder);
        if (!(await removeTree(folder))) left = folder;
      }
      if (left === "") return;
      if (this.#clock.nowMs() > deadline)
        throw fail("compute.cleanup_failed", { message: `Control group ${left} does not empty.`, details: { left } });
      await this.#clock.sleep(L.pollMs);
    }
  }

  /** Names of all groups below the parent, to find what a crash left. */
  async names(): Promise<string[]> {
    const names = new Set<string>();
    for (const root of new Set(this.layout.roots.values())) {
      for (const entry of await readFolder(`${root}${this.#parent}`)) names.add(entry);
    }
    return [...names];
  }

  /** Removes the empty parents; a parent that others use stays. */
  async removeParents(): Promise<void> {
    for (const root of new Set(this.layout.roots.values())) {
      for (let path = this.#parent; path.length > 1; path = path.slice(0, path.lastIndexOf("/"))) {
        if (!(await removeTree(`${root}${path}`, true))) break;
      }
    }
  }

  #folder(controller: string, name: string): string {
    return `${this.layout.roots.get(controller) ?? "/nonexistent"}${this.path(name)}`;
  }

  async #usageV2(name: string): Promise<CgroupUsage | undefined> {
    const folder = this.#folder("unified", name);
    const current = await readProc(`${folder}/memory.current`);
    if (current === undefined) return undefined;
    const memoryStat = (await readProc(`${folder}/memory.stat`)) ?? "";
    return {
      cpuUsageUs: field((await readProc(`${folder}/cpu.stat`)) ?? "", "usage_usec"),
      memoryBytes: Math.max(0, number(current) - field(memoryStat, "inactive_file")),
      memoryLimitBytes: number(await readProc(`${folder}/memory.max`)),
      pids: number(await readProc(`${folder}/pids.current`)),
    };
  }

  async #usageV1(name: string): Promise<CgroupUsage | undefined> {
    const memory = this.#folder("memory", name);
    const usage = await readProc(`${memory}/memory.usage_in_bytes`);
    if (usage === undefined) return undefined;
    // The page cache that can be dropped at any time is not counted, as `docker stats` does.
    const cache = field((await readProc(`${memory}/memory.stat`)) ?? "", "total_inactive_file");
    const nanoseconds = number(await readProc(`${this.#folder("cpuacct", name)}/cpuacct.usage`));
    return {
      cpuUsageUs: Math.floor(nanoseconds / 1000),
      memoryBytes: Math.max(0, number(usage) - cache),
      memoryLimitBytes: number(await readProc(`${memory}/memory.limit_in_bytes`)),
      pids: number(await readProc(`${this.#folder("pids", name)}/pids.current`)),
    };
  }
}

async function killAll(folder: string): Promise<void> {
  for (const child of await readFolder(folder)) await killAll(`${folder}/${child}`);
  for (const pid of ((await readProc(`${folder}/cgroup.procs`)) ?? "").split("\n").filter(Boolean)) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch (error) {
      if (errnoOf(error) !== "ESRCH") throw error;
    }
  }
}

async function removeTree(folder: string, onlySelf = false): Promise<boolean> {
  if (!onlySelf) for (const child of await readFolder(folder)) await removeTree(`${folder}/${child}`);
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (isAbsent(error)) return true;
    if (errnoOf(error) === "EBUSY" || errnoOf(error) === "ENOTEMPTY") return false;
    throw error;
  }
}

async function readFolder(path: string): Promise<string[]> {
  try {
    return (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

const readProc = readIfExists;

function number(text: string | undefined): number {
  const value = Number(text?.trim());
  return Number.isFinite(value) ? value : 0;
}

function field(text: string, name: string): number {
  for (const line of text.split("\n")) {
    const [key, value] = line.split(" ");
    if (key === name) return number(value);
  }
  return 0;
}
