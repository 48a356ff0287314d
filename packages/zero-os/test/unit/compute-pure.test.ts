import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import type { ContractId } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildBundle, type BundleInput, processArguments } from "../../src/drivers/compute/bundle.ts";
import { hostIdBase } from "../../src/drivers/compute/idmap.ts";
import { parseImageConfig } from "../../src/drivers/compute/image-config.ts";
import { pinnedReference, pullError, repositoryOf } from "../../src/drivers/compute/image-reference.ts";
import { readInRoot, resolveInRoot } from "../../src/drivers/compute/in-root.ts";
import { K8sLogParser } from "../../src/drivers/compute/k8s-log.ts";
import { parseMountInfo } from "../../src/drivers/compute/mounts.ts";
import { signalNumber } from "../../src/drivers/compute/signals.ts";
import { resolveUser } from "../../src/drivers/compute/users.ts";
import { zmachineStart } from "../support/compute-fixtures.ts";

const digest = `sha256:${"a".repeat(64)}`;
const image = { reference: "web", digest };
const config = { env: ["A=image", "B=x=y"], entrypoint: ["/entry"], cmd: ["default"], workingDir: "/app", user: "", stopSignal: "" };

function input(more: Parameters<typeof zmachineStart>[2] = {}): BundleInput {
  const { spec } = zmachineStart({ netnsPath: "/run/netns/x", ip: "10.0.0.2" }, image, more);
  return {
    spec,
    image: config,
    user: { uid: 1000, gid: 1000, additionalGids: [1000], home: "/home/app" },
    rootfsPath: "/r",
    netnsPath: "/run/netns/x",
    sysfsPath: "/s",
    cgroupsPath: "/tfgrid/n/zm-x",
    hostIdBase: 1_073_741_824,
    arch: "x64",
    openFiles: 1024,
    binds: [],
  };
}

describe("image references", () => {
  test.each([
    ["nginx", "nginx"],
    ["nginx:1.27", "nginx"],
    ["host.example:5000/a/b:tag", "host.example:5000/a/b"],
    ["host.example:5000/a/b", "host.example:5000/a/b"],
    [`ghcr.example/a/b:tag@${digest}`, "ghcr.example/a/b"],
  ])("%s -> %s", (reference, repository) => {
    expect(repositoryOf(reference)).toBe(repository);
    expect(pinnedReference({ reference, digest })).toBe(`docker://${repository}@${digest}`);
  });

  test("a reference that could become an option or a path is refused", () => {
    for (const reference of ["", "--all", "a b", "/etc/passwd"])
      expect(() => pinnedReference({ reference, digest })).toThrow(/not an image reference/);
  });

  test.each([
    ["reading manifest sha256:0 in x/none: manifest unknown", "compute.image_not_found"],
    ["dial tcp 127.0.0.1:1: connect: connection refused", "compute.registry_unreachable"],
    ["write /x/blob: no space left on device", "compute.disk_full"],
    ["Manifest does not match provided manifest digest sha256:aa", "compute.image_corrupt"],
    ["no image found in manifest list for architecture amd64, variant , OS linux", "compute.image_wrong_platform"],
    ["requested access to the resource is denied", "compute.image_denied"],
    ["something nobody has seen", "compute.registry_failed"],
  ])("%s means %s", (output, code) => {
    expect(pullError(image, output).code).toBe(code);
  });

  test("a port, a name or a digest that looks like a status decides nothing", () => {
    const asked = { reference: "127.0.0.1:40312/team/403", digest: `sha256:${"404-403-".replaceAll("-", "a").repeat(8)}` };
    const refused = `reading manifest ${asked.digest} in 127.0.0.1:40312/team/403: dial tcp 127.0.0.1:40312: connection refused`;
    expect(pullError(asked, refused).code).toBe("compute.registry_unreachable");
    expect(pullError(asked, `reading manifest ${asked.digest} in 127.0.0.1:40312/team/403: manifest unknown`).code).toBe("compute.image_not_found");
    expect(pullError(asked, "received unexpected HTTP status: 403 Forbidden").code).toBe("compute.image_denied");
  });
});

describe("runtime configuration", () => {
  test("command, environment and folder follow Docker's rules", () => {
    expect(processArguments(input().spec, config)).toEqual(["/entry", "default"]);
    expect(processArguments(input({ command: ["other"] }).spec, config)).toEqual(["/entry", "other"]);
    expect(processArguments(input({ entrypoint: ["/own"] }).spec, config)).toEqual(["/own"]);
    expect(() => processArguments(input().spec, { ...config, entrypoint: [], cmd: [] })).toThrow(/what to run/);
    const bundle = buildBundle(input({ environment: { A: "own" } }));
    expect(bundle["process"]).toMatchObject({ cwd: "/app", noNewPrivileges: true, terminal: false });
    const { env } = bundle["process"] as { env: string[] };
    expect(env).toContain("A=own");
    expect(env).toContain("B=x=y");
    expect(env).toContain("HOME=/home/app");
  });

  test("no zmachine gets more than the default rights, whatever its specification says", () => {
    const bundle = buildBundle(input());
    const linux = bundle["linux"] as Record<string, unknown> & {
      namespaces: { type: string; path?: string }[];
      seccomp: { defaultAction: string };
    };
    expect(linux.namespaces.map((entry) => entry.type).sort()).toEqual(["cgroup", "ipc", "mount", "network", "pid", "user", "uts"]);
    expect(linux["uidMappings"]).toEqual([{ containerID: 0, hostID: 1_073_741_824, size: 65_536 }]);
    expect(linux.seccomp.defaultAction).toBe("SCMP_ACT_ERRNO");
    expect(linux["resources"]).toMatchObject({
      memory: { limit: 67_108_864, swap: 67_108_864 },
      cpu: { quota: 50_000, period: 100_000 },
      pids: { limit: 50 },
    });
    const { capabilities } = bundle["process"] as { capabilities: { effective: string[]; bounding: string[] } };
    expect(capabilities.effective).toEqual([]);
    for (const dangerous of ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_SYS_MODULE", "CAP_DAC_READ_SEARCH"])
      expect(capabilities.bounding).not.toContain(dangerous);
  });

  test("outer mounts come before the mounts inside them, and nothing covers the root", () => {
    const binds = [
      { source: "/b", target: "/data/inner/deep", readOnly: true },
      { source: "/a", target: "/data", readOnly: false },
    ];
    const mounts = buildBundle({ ...input(), binds })["mounts"] as { destination: string; options: string[] }[];
    const targets = mounts.map((mount) => mount.destination);
    expect(targets.indexOf("/data")).toBeLessThan(targets.indexOf("/data/inner/deep"));
    expect(mounts.find((mount) => mount.destination === "/data/inner/deep")?.options).toContain("ro");
    expect(() => buildBundle({ ...input(), binds: [{ source: "/a", target: "//", readOnly: false }] })).toThrow(/mounted over/);
  });

  test("an image configuration with wrong types is refused by field", () => {
    expect(parseImageConfig({})).toMatchObject({ env: [], user: "" });
    expect(() => parseImageConfig({ config: { Env: "A=1" } })).toThrow(/Env/);
    expect(() => parseImageConfig({ config: { Cmd: [1] } })).toThrow(/Cmd/);
  });

  test("contracts have ids of their own that never reach the host's or 2^31", () => {
    const range = { first: 1_073_741_824, ranges: 16_384 };
    const bases = [1, 2, 16_383, 16_384].map((id) => hostIdBase(id as ContractId, range, true));
    expect(new Set(bases).size).toBe(4);
    for (const base of bases) expect(base + 65_535).toBeLessThan(2 ** 31);
    expect(hostIdBase(5 as ContractId, range, false)).toBe(range.first);
  });
});

describe("users", () => {
  const passwd = "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\nbroken\n";
  const group = "root:x:0:\napp:x:1001:\naudio:x:29:other,app\n";
  test.each([
    ["", { uid: 0, gid: 0, additionalGids: [0], home: "/root" }],
    ["app", { uid: 1000, gid: 1001, additionalGids: [29, 1001], home: "/home/app" }],
    ["1000", { uid: 1000, gid: 1001, additionalGids: [29, 1001], home: "/home/app" }],
    ["app:audio", { uid: 1000, gid: 29, additionalGids: [29], home: "/home/app" }],
    ["4000:5000", { uid: 4000, gid: 5000, additionalGids: [5000], home: "/" }],
  ])("%j", (user, expected) => {
    expect(resolveUser(user, passwd, group)).toEqual(expected);
  });
  test.each(["ghost", "70000", "-1", "app:ghost"])("%s is refused", (user) => {
    expect(() => resolveUser(user, passwd, group)).toThrow(/no user or group/);
  });
});

describe("logs", () => {
  test("parts are joined per stream, also when the file is read in pieces", () => {
    const text = [
      "2026-01-02T03:04:05.123456789+00:00 stdout P one ",
      "2026-01-02T03:04:05.200000000+00:00 stderr F other",
      "2026-01-02T03:04:05.300000000+00:00 stdout F two",
      "rubbish",
      "2026-01-02T03:04:06.000000000+00:00 stdout F ",
      "2026-01-02T03:04:07.000000000+00:00 stdout P open",
      "",
    ].join("\n");
    for (const size of [1, 7, 1000]) {
      const parser = new K8sLogParser();
      const lines = [];
      for (let at = 0; at < text.length; at += size) lines.push(...parser.push(text.slice(at, at + size)));
      expect(lines.map((line) => [line.stream, line.text])).toEqual([
        ["stderr", "other"],
        ["stdout", "one two"],
        ["stdout", ""],
      ]);
      expect(lines[1]?.timeMs).toBe(Date.parse("2026-01-02T03:04:05.123Z"));
      expect(parser.flush().map((line) => line.text)).toEqual(["open"]);
    }
  });
});

describe("the machine's words", () => {
  test("mountinfo with optional fields and escaped blanks", () => {
    const text =
      "36 35 98:0 / /mnt/a\\040b rw,noatime shared:1 master:2 - ext4 /dev/loop0 rw,errors=x\n37 35 0:1 / /x rw - cgroup cgroup rw,memory\n";
    expect(parseMountInfo(text)).toEqual([
      { path: "/mnt/a b", type: "ext4", source: "/dev/loop0", superOptions: "rw,errors=x" },
      { path: "/x", type: "cgroup", source: "cgroup", superOptions: "rw,memory" },
    ]);
  });

  test.each([
    ["SIGTERM", 15],
    ["TERM", 15],
    ["9", 9],
    ["SIGRTMIN+3", 37],
    ["SIGRTMAX-1", 63],
  ])("%s is %i", (name, number) => expect(signalNumber(name)).toBe(number));
  test.each(["SIGNONE", "SIGRTMIN+40", "0", "99"])("%s is no signal", (name) => expect(() => signalNumber(name)).toThrow(/not a signal/));
});

describe("paths inside an image", () => {
  let root = "";
  beforeAll(async () => {
    root = await mkdtemp(`${tmpdir()}/in-root-`);
    await mkdir(`${root}/etc`);
    await writeFile(`${root}/etc/real`, "inside");
    await symlink("/etc/passwd", `${root}/etc/absolute-out`);
    await symlink("../../../../../../etc/passwd", `${root}/etc/relative-out`);
    await symlink("/etc/real", `${root}/etc/good`);
    await symlink("loop", `${root}/etc/loop`);
  });
  afterAll(() => rm(root, { recursive: true }));

  test("links are followed as the zmachine would, never out of it", async () => {
    expect(await readInRoot(root, "/etc/good")).toBe("inside");
    expect(await resolveInRoot(root, "/../../etc/real")).toBe(`${root}/etc/real`);
    expect(await readInRoot(root, "/etc/absolute-out")).toBeUndefined();
    expect(await readInRoot(root, "/etc/relative-out")).toBeUndefined();
    expect(await readInRoot(root, "/etc")).toBeUndefined();
    await expect(resolveInRoot(root, "/etc/loop")).rejects.toThrow(/circle/);
  });
});
