/** Both versions of control groups from a tree of plain files: no machine has both in full. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { systemClock } from "@tfgrid/primitives";
import { afterEach, expect, test } from "vitest";
import { type CgroupLayout, Cgroups } from "../../src/drivers/compute/cgroups.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function groups(files: Record<string, string>, layout: (root: string) => CgroupLayout): Promise<{ cgroups: Cgroups; root: string }> {
  const root = await mkdtemp(`${tmpdir()}/cgroups-`);
  folders.push(root);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(`${root}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    await writeFile(`${root}/${path}`, text);
  }
  return { cgroups: new Cgroups({ layout: layout(root), parent: "/tfgrid/n", clock: systemClock }), root };
}

const unified = (root: string): CgroupLayout => ({ unified: true, strayControllers: [], roots: new Map([["unified", root]]) });

test("version 2", async () => {
  const { cgroups } = await groups(
    {
      "tfgrid/n/zm-a/memory.current": "5000\n",
      "tfgrid/n/zm-a/memory.stat": "anon 1\ninactive_file 1000\n",
      "tfgrid/n/zm-a/memory.max": "max\n",
      "tfgrid/n/zm-a/memory.events": "low 0\noom 2\noom_kill 1\n",
      "tfgrid/n/zm-a/cpu.stat": "usage_usec 77\nuser_usec 7\n",
      "tfgrid/n/zm-a/pids.current": "3\n",
    },
    unified,
  );
  expect(await cgroups.usage("zm-a")).toEqual({ cpuUsageUs: 77, memoryBytes: 4000, memoryLimitBytes: 0, pids: 3 });
  expect(await cgroups.oomKills("zm-a")).toBe(1);
  expect(await cgroups.usage("zm-b")).toBeUndefined();
  expect(await cgroups.oomKills("zm-b")).toBe(0);
  expect(await cgroups.names()).toEqual(["zm-a"]);
});

test("version 1", async () => {
  const { cgroups } = await groups(
    {
      "memory/tfgrid/n/zm-a/memory.usage_in_bytes": "5000\n",
      "memory/tfgrid/n/zm-a/memory.stat": "inactive_file 1\ntotal_inactive_file 1000\n",
      "memory/tfgrid/n/zm-a/memory.limit_in_bytes": "65536\n",
      "memory/tfgrid/n/zm-a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
      "cpuacct/tfgrid/n/zm-a/cpuacct.usage": "77999\n",
      "pids/tfgrid/n/zm-a/pids.current": "3\n",
    },
    (root) => ({
      unified: false,
      strayControllers: [],
      roots: new Map(["memory", "cpuacct", "pids"].map((name) => [name, `${root}/${name}`])),
    }),
  );
  expect(await cgroups.usage("zm-a")).toEqual({ cpuUsageUs: 77, memoryBytes: 4000, memoryLimitBytes: 65_536, pids: 3 });
  expect(await cgroups.oomKills("zm-a")).toBe(2);
});

test("a process counts only when it is in exactly this group", async () => {
  const { cgroups } = await groups({}, unified);
  expect(await cgroups.contains("zm-a", process.pid)).toBe(false);
  expect(await cgroups.contains("zm-a", 2 ** 22 + 1)).toBe(false);
});

test("supervisors get a group of their own; empty parents go, those in use by others stay", async () => {
  const { cgroups, root } = await groups({ "tfgrid/other/x": "" }, unified);
  expect(await cgroups.ensureSupervisors()).toEqual([`${root}/tfgrid/n/supervisors`]);
  await cgroups.remove("supervisors");
  await cgroups.remove("supervisors");
  await cgroups.removeParents();
  expect(await readdir(`${root}/tfgrid`)).toEqual(["other"]);
});
