import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { ZmachineSpec } from "@tfgrid/notary";
import type { ContractId } from "@tfgrid/primitives";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ZmachineStart } from "../../src/ports.ts";
import { computeCompliance } from "../support/compute-compliance.ts";
import { type StartMore, zmachineStart } from "../support/compute-fixtures.ts";
import { freePort, type Lab, openLab } from "../support/compute-lab.ts";

const exec = promisify(execFile);
const never = new AbortController().signal;
const MIB = 1024 * 1024;

let lab: Lab;
let image: ZmachineSpec["image"];

describe.skipIf(process.getuid?.() !== 0)("zmachines on Linux", () => {
  beforeAll(async () => {
    lab = await openLab();
    image = await lab.pushBusybox();
  });
  afterEach(async () => {
    for (const { key } of await lab.compute.list()) await lab.compute.remove(key);
  });
  afterAll(async () => {
    await lab.close();
    const left = await traces(lab);
    if (left.length > 0) throw new Error(`left behind: ${left.join("\n")}`);
  });

  describe("compliance", () => {
    computeCompliance(() => ({
      driver: lab.compute,
      net: lab,
      image,
      missingImage: { reference: `127.0.0.1:${lab.registryPort}/none`, digest: `sha256:${"0".repeat(64)}` },
    }));
  });

  test("the tenant's root has no rights: mapped ids per contract, no new privileges, seccomp, no way to new namespaces", async () => {
    const script = "cat /proc/self/uid_map; cat /proc/self/status; unshare -U true || echo refused; mount -t tmpfs x /tmp || echo refused";
    const one = await runToEnd("sh", { entrypoint: ["/bin/sh", "-c", script], contractId: 7 });
    const two = await runToEnd("sh2", { entrypoint: ["/bin/sh", "-c", "cat /proc/self/uid_map"], contractId: 8 });
    const base = (lines: string[]): number => Number(lines[0]?.trim().split(/\s+/)[1]);
    expect(base(one.lines)).toBeGreaterThanOrEqual(65_536);
    expect(base(one.lines) === base(two.lines)).toBe(!lab.compute.idsPerContract);
    expect(one.lines).toContain("NoNewPrivs:\t1");
    expect(one.lines).toContain("Seccomp:\t2");
    expect(one.lines.filter((line) => line === "refused")).toHaveLength(2);
  });

  test("memory, process and disk limits hold", async () => {
    const memory = await runToEnd("oom", {
      entrypoint: ["/bin/sh", "-c", "exec tail /dev/zero"],
      resources: limits({ memoryBytes: 16 * MIB }),
    });
    expect(memory.status).toMatchObject({ exitCode: 137, oomKilled: true });
    const fork = "i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; echo started $i";
    const pids = await runToEnd("pids", { entrypoint: ["/bin/sh", "-c", fork], resources: limits({ pids: 10 }) });
    expect(pids.lines.join("\n")).toMatch(/can't fork|Resource temporarily unavailable/);
    const fill =
      "dd if=/dev/zero of=/big bs=1M count=100; ls -l /big | { read a b c d size rest; [ $size -lt 34000000 ] && echo bounded; }";
    const disk = await runToEnd("disk", { entrypoint: ["/bin/sh", "-c", fill], resources: limits({ rootfsBytes: 32 * MIB }) });
    expect(disk.lines.join("\n")).toContain("No space left on device");
    expect(disk.lines).toContain("bounded");
  });

  test("the processor limit holds", async () => {
    const start = await started("cpu", {
      entrypoint: ["/bin/sh", "-c", "while true; do true; done"],
      resources: limits({ cpuMilli: 100 }),
    });
    const usage = async (): Promise<number> => (await lab.compute.metrics(start.key))?.cpuUsageUs ?? 0;
    const [from, at] = [await usage(), performance.now()];
    await expect.poll(() => performance.now() - at, { interval: 100 }).toBeGreaterThan(1500);
    const share = ((await usage()) - from) / 1000 / (performance.now() - at);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(0.2);
  });

  test("secrets and configs arrive with owner and mode, read-only and in memory only", async () => {
    const files = [{ target: "/run/secrets/token", mode: 0o400, uid: 1000, gid: 1000, bytes: new TextEncoder().encode("s3cret") }];
    const script =
      "id; cat /run/secrets/token; echo; ls -ln /run/secrets/token; echo x > /run/secrets/token || echo refused; echo $FROM_IMAGE $OWN; pwd; grep token /proc/self/mountinfo; echo $HOME";
    const { lines } = await runToEnd("files", {
      entrypoint: ["/bin/sh", "-c", script],
      user: "app",
      environment: { OWN: "1=2" },
      workingDir: "/made/here",
      files,
    });
    expect(lines[0]).toBe("uid=1000(app) gid=1000(app) groups=29(audio),1000(app)");
    expect(lines[1]).toBe("s3cret");
    expect(lines[2]).toMatch(/^-r-------- +1 1000 +1000/);
    expect(lines).toContain("refused");
    expect(lines).toContain("yes 1=2");
    expect(lines).toContain("/made/here");
    expect(lines).toContain("/home/app");
    expect(lines.find((line) => line.includes("/run/secrets/token ro"))).toContain("tmpfs");
  });

  test("a read-only root file system refuses writes, a tmpfs on it takes them up to its size", async () => {
    const mounts = [{ type: "tmpfs" as const, source: "", target: "/scratch", readOnly: false, sizeBytes: MIB }];
    const script =
      "echo x > /file || echo refused; dd if=/dev/zero of=/scratch/a bs=64k count=100; echo x > /proc/sys/kernel/hostname || echo refused";
    const { lines } = await runToEnd("ro", { entrypoint: ["/bin/sh", "-c", script], readOnlyRootfs: true, mounts });
    expect(lines.filter((line) => line === "refused")).toHaveLength(2);
    expect(lines.join("\n")).toContain("No space left on device");
  });

  test("an empty volume takes over the image's files; its data outlive the zmachine and its size holds", async () => {
    const id = { contractId: 7 as ContractId, name: "seed" };
    const { path } = await lab.storage.ensureVolume({ ...id, sizeBytes: 16 * MIB, kind: "ssd" });
    const more = {
      volumePaths: { seed: path },
      mounts: [{ type: "volume" as const, source: "seed", target: "/seed", readOnly: false, sizeBytes: 0 }],
    };
    const one = await runToEnd("vol1", {
      ...more,
      entrypoint: ["/bin/sh", "-c", "ls -ln /seed; cat /seed/hello; echo kept > /seed/mine; dd if=/dev/zero of=/seed/big bs=1M count=50"],
    });
    expect(one.lines.join("\n")).toMatch(/1000 +1000 .*hello/);
    expect(one.lines).toContain("from the image");
    expect(one.lines.join("\n")).toContain("No space left on device");
    await lab.compute.remove(one.start.key);
    const two = await runToEnd("vol2", { ...more, entrypoint: ["/bin/sh", "-c", "cat /seed/mine"] });
    expect(two.lines).toEqual(["kept"]);
    await lab.compute.remove(two.start.key);
    await lab.storage.removeVolume(id);
  });

  test("health tests run inside: http by status, tcp by connection, exec by exit code and within its time", async () => {
    const script = "echo ok > /index.html; httpd -p 80 -h /; sleep 1000";
    const { key } = await started("probe", { entrypoint: ["/bin/sh", "-c", script] });
    const probe = (test: Parameters<typeof lab.compute.probe>[1], timeoutMs = 20_000) => lab.compute.probe(key, test, { timeoutMs });
    await expect.poll(async () => (await probe({ type: "tcp", port: 80 })).healthy).toBe(true);
    expect(await probe({ type: "tcp", port: 81 })).toMatchObject({ healthy: false });
    expect(await probe({ type: "http", port: 80, path: "/index.html" })).toMatchObject({ healthy: true });
    expect(await probe({ type: "http", port: 80, path: "/none" })).toMatchObject({ healthy: false });
    expect(await probe({ type: "exec", argv: ["/bin/test", "-f", "/index.html"] })).toMatchObject({ healthy: true });
    expect(await probe({ type: "exec", argv: ["/bin/false"] })).toMatchObject({ healthy: false });
    expect(await probe({ type: "exec", argv: ["/bin/none"] })).toMatchObject({ healthy: false });
    expect((await probe({ type: "exec", argv: ["/bin/sleep", "333"] }, 300)).output).toContain("within 300 ms");
    const { output } = await probe({ type: "exec", argv: ["/bin/ps"] });
    expect(output).not.toContain("sleep 333");
    expect(output).toContain("sleep 1000");
  });

  test("a process that ignores the signal is killed after the grace; one that heeds it ends with its own code", async () => {
    const polite = await started("polite", {
      entrypoint: ["/bin/sh", "-c", "trap 'exit 5' TERM; echo up; while true; do sleep 0.05; done"],
    });
    await expect.poll(() => linesOf(polite.key)).toContain("up");
    await lab.compute.stop(polite.key, { stopSignal: "SIGTERM", graceMs: 30_000 });
    expect(await statusOf(polite.key)).toMatchObject({ state: "exited", exitCode: 5 });
    const stubborn = await started("stubborn", { entrypoint: ["/bin/sh", "-c", "trap '' TERM; echo up; while true; do sleep 0.05; done"] });
    await expect.poll(() => linesOf(stubborn.key)).toContain("up");
    const at = performance.now();
    await lab.compute.stop(stubborn.key, { stopSignal: "SIGTERM", graceMs: 300 });
    expect(performance.now() - at).toBeGreaterThan(290);
    expect(await statusOf(stubborn.key)).toMatchObject({ state: "exited", exitCode: 137 });
  });

  test("a restart keeps the writable layer and counts; a new agent finds what runs and does not touch it", async () => {
    const start = await started("again", { entrypoint: ["/bin/sh", "-c", "echo x >> /count; cat /count; sleep 1000"] });
    await expect.poll(() => linesOf(start.key)).toEqual(["x"]);
    await lab.compute.stop(start.key, { stopSignal: "SIGKILL", graceMs: 0 });
    await lab.compute.start(start);
    await expect.poll(() => linesOf(start.key)).toEqual(["x", "x", "x"]);
    const before = await statusOf(start.key);
    const second = await lab.again();
    expect(await second.list()).toEqual([before]);
    await second.start(start);
    expect(await second.list()).toEqual([before]);
    expect(await second.metrics(start.key)).toMatchObject({ restarts: 1 });
    await second.remove(start.key);
    second.close();
    expect(await lab.compute.list()).toEqual([]);
    expect(await zmachineTraces(lab)).toEqual([]);
  });

  test.each(["missing command", "no such user", "volume file over a folder"])("a failed start leaves nothing: %s", async (kind) => {
    const more: Record<string, StartMore> = {
      "missing command": { entrypoint: ["/bin/nothing-here"] },
      "no such user": { user: "nobody-knows" },
      "volume file over a folder": { files: [{ target: "/bin", mode: 0o444, uid: 0, gid: 0, bytes: new Uint8Array(1) }] },
    };
    const start = await ready("failing", more[kind]);
    await expect(lab.compute.start(start)).rejects.toMatchObject({
      code: kind === "no such user" ? "compute.unknown_user" : "compute.start_failed",
    });
    expect(await lab.compute.list()).toEqual([]);
    expect(await zmachineTraces(lab)).toEqual([]);
  });

  test("pull errors name their cause: corrupt, unreachable, an index pinned by digest works", async () => {
    const broken = await lab.push("broken", [{ path: "/file", content: "will be altered" }]);
    for (const blob of await blobs(lab.registryFolder)) {
      const bytes = await readFile(blob);
      if (bytes[0] === 0x1f && bytes.length < 400) await writeFile(blob, Buffer.concat([bytes, Buffer.from("x")]));
    }
    await expect(lab.compute.pullImage(broken, { signal: never })).rejects.toMatchObject({ code: "compute.image_corrupt" });
    const unreachable = { reference: `127.0.0.1:${await freePort()}/web:1`, digest: `sha256:${"f".repeat(64)}` };
    await expect(lab.compute.pullImage(unreachable, { signal: never })).rejects.toMatchObject({ code: "compute.registry_unreachable" });
    const multi = await lab.push("multi", [{ path: "/file", content: "in an index" }], { index: true });
    await lab.compute.pullImage(multi, { signal: never });
    expect((await readdir(`${lab.folder}/compute/images`)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("recover() removes what a killed agent left at any step", async () => {
    const start = await started("wreck", {});
    const record = `${lab.folder}/compute/zmachines/${start.key}/zmachine.json`;
    const json = JSON.parse(await readFile(record, "utf8")) as Record<string, unknown>;
    // Killed after the process ran, before the record said so: it is whole and stays.
    await writeFile(record, JSON.stringify({ ...json, phase: "starting" }));
    await lab.compute.recover();
    expect(await statusOf(start.key)).toMatchObject({ state: "running" });
    // Killed in the middle of a removal.
    await writeFile(record, JSON.stringify({ ...json, phase: "removing" }));
    await lab.compute.recover();
    expect(await zmachineTraces(lab)).toEqual([]);
    // The record is lost altogether, or a power cut left it empty.
    for (const key of ["lost", "torn"]) {
      const folder = `${lab.folder}/compute/zmachines/${(await started(key, {})).key}`;
      await (key === "lost" ? rm(folder, { recursive: true }) : writeFile(`${folder}/zmachine.json`, ""));
      await lab.compute.recover();
      expect(await zmachineTraces(lab)).toEqual([]);
    }
  });

  test("kill -9 of the agent at random moments: the next one makes it whole, and in the end nothing is left", async () => {
    const start = await ready("killed");
    const script = new URL("../support/compute-victim.ts", import.meta.url).pathname;
    const moments = [5, 30, 60, 90, 120, 150, 180, 220, 260];
    for (const afterMs of moments) {
      await killedWhile(script, { options: lab.options, start, afterMs });
      const next = await lab.again();
      await next.start(start);
      expect(await next.list()).toMatchObject([{ key: start.key, state: "running" }]);
      next.close();
    }
    await lab.compute.remove(start.key);
    expect(await zmachineTraces(lab)).toEqual([]);
  });

  test("lines longer than the supervisor's buffer stay whole, an unfinished line is not lost, streams are told apart", async () => {
    const script = "printf '%09000d\\n' 1; sleep 0.3; echo wrong >&2; sleep 0.3; printf unfinished";
    const { lines, start } = await runToEnd("log", { entrypoint: ["/bin/sh", "-c", script] });
    expect(lines.map((line) => line.length)).toEqual([9000, 5, 10]);
    const streams: string[] = [];
    for await (const line of lab.compute.logs(start.key, { tail: 2, follow: false, signal: never }))
      streams.push(`${line.stream} ${line.text}`);
    expect(streams).toEqual(["stderr wrong", "stdout unfinished"]);
  });

  test("a talkative zmachine cannot fill the disk with its log, and its last words are kept", async () => {
    const script = "i=0; while [ $i -lt 1300 ]; do printf '%09000d\\n' $i; i=$((i+1)); done; echo last";
    const { lines, start } = await runToEnd("talk", { entrypoint: ["/bin/sh", "-c", script], resources: limits({ cpuMilli: 2000 }) });
    expect(lines.at(-1)).toBe("last");
    expect((await stat(`${lab.folder}/compute/zmachines/${start.key}/log`)).size).toBeLessThan(9 * MIB);
  });

  test("without mounts that move owners, images are unpacked with moved owners and one range serves the node", async () => {
    const own = {
      dataDir: `${lab.folder}/unshifted`,
      runDir: `${lab.runDir}/unshifted`,
      cgroupParent: `${lab.options.cgroupParent}/unshifted`,
    };
    const other = await lab.again({ ...own, shiftedMounts: false });
    try {
      expect(other.idsPerContract).toBe(false);
      await other.pullImage(image, { signal: never });
      const script = "cat /proc/self/uid_map; ls -ln /seed/hello; echo x >> /seed/hello && echo written";
      const start = zmachineStart(lab, image, { key: "c8-plain", contractId: 8, entrypoint: ["/bin/sh", "-c", script] });
      await other.start(start);
      await expect.poll(async () => (await other.list())[0]?.state).toBe("exited");
      const lines: string[] = [];
      for await (const line of other.logs(start.key, { tail: 10, follow: false, signal: never })) lines.push(line.text);
      expect(lines[0]?.trim().split(/\s+/)).toEqual(["0", "1073741824", "65536"]);
      expect(lines[1]).toMatch(/ 1000 +1000 /);
      expect(lines[2]).toBe("written");
    } finally {
      await other.teardown();
    }
  });

  test("a pull that fills the disk is told as such and leaves nothing", async () => {
    const small = `${lab.folder}/small`;
    await mkdir(small);
    await exec("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", small]);
    const other = await lab.again({ dataDir: small });
    try {
      const large = await lab.push("large", [{ path: "/noise", content: randomBytes(8 * MIB) }]);
      await expect(other.pullImage(large, { signal: never })).rejects.toMatchObject({ code: "compute.disk_full" });
      expect(await readdir(`${small}/images`)).toEqual([]);
      const slow = new AbortController();
      const pull = other.pullImage(large, { signal: slow.signal, onProgress: () => slow.abort(new Error("cancelled")) });
      await expect(pull).rejects.toThrow("cancelled");
      expect(await readdir(`${small}/images`)).toEqual([]);
    } finally {
      other.close();
      await exec("umount", [small]);
    }
  });
});

/** Another process starts and removes the zmachine over and over until it is killed. */
async function killedWhile(script: string, input: { options: unknown; start: ZmachineStart; afterMs: number }): Promise<void> {
  const child = spawn(process.execPath, [script, JSON.stringify(input)], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve) => child.stdout.once("data", () => resolve()));
  setTimeout(() => child.kill("SIGKILL"), input.afterMs);
  await ended;
}

const limits = (more: Partial<ZmachineSpec["resources"]>): ZmachineSpec["resources"] => ({
  cpuMilli: 500,
  memoryBytes: 64 * MIB,
  pids: 50,
  rootfsBytes: 32 * MIB,
  ...more,
});

async function ready(name: string, more: StartMore = {}): Promise<ZmachineStart> {
  await lab.compute.pullImage(image, { signal: never });
  return zmachineStart(lab, image, { key: `c7-${name}`, ...more });
}

async function started(name: string, more: StartMore): Promise<ZmachineStart> {
  const start = await ready(name, more);
  await lab.compute.start(start);
  return start;
}

async function runToEnd(name: string, more: StartMore) {
  const start = await started(name, more);
  await expect.poll(async () => (await statusOf(start.key))?.state, { interval: 20 }).toBe("exited");
  return { start, status: await statusOf(start.key), lines: await linesOf(start.key) };
}

const statusOf = async (key: string) => (await lab.compute.list()).find((status) => status.key === key);

async function linesOf(key: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of lab.compute.logs(key, { tail: 1000, follow: false, signal: never })) lines.push(line.text);
  return lines;
}

async function blobs(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.name === "data").map((entry) => `${entry.parentPath}/${entry.name}`);
}

/** Whatever of zmachines the kernel or the disk still has. */
async function zmachineTraces(subject: Lab): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(`${subject.runDir}/zm`));
  const groups = await findGroups(subject, "zm-");
  const files = [
    ...(await names(`${subject.runDir}/zm`)),
    ...(await names(`${subject.runDir}/runtime`)),
    ...(await names(`${subject.folder}/compute/zmachines`)),
    ...(await names(`${subject.folder}/compute/exits`)),
  ];
  const { stdout } = await exec("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"]);
  return [...mounts, ...groups, ...files, ...stdout.split("\n").filter((line) => line.includes(`${subject.folder}/compute`))];
}

/** Whatever of the whole lab is left after it was closed. */
async function traces(subject: Lab): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").filter((line) => line.includes(subject.name));
  const { stdout: processes } = await exec("ps", ["-eo", "args"]);
  return [
    ...mounts,
    ...(await findGroups(subject, "")),
    ...processes.split("\n").filter((line) => line.includes(`${subject.name}/`) || line.includes(`${subject.name}-`)),
  ];
}

async function findGroups(subject: Lab, prefix: string): Promise<string[]> {
  const { stdout } = await exec("find", ["/sys/fs/cgroup", "-maxdepth", "5", "-type", "d", "-path", `*${subject.name}/${prefix}*`]);
  return stdout.split("\n").filter(Boolean);
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}
