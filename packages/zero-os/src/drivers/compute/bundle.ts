/** From a zmachine's specification and its image's configuration to an OCI runtime configuration. Pure. */
import type { ZmachineSpec } from "@tfgrid/notary";
import { fail } from "./errors.ts";
import type { ImageConfig } from "./image-config.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { seccompProfile } from "./seccomp.ts";
import type { ProcessUser } from "./users.ts";

/** Docker's default set. None of them reaches beyond the zmachine's own user namespace. */
const CAPABILITIES = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

const MASKED_PATHS = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kallsyms",
  "/proc/kcore",
  "/proc/keys",
  "/proc/kmsg",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
  "/sys/kernel",
  "/sys/fs",
];
const READONLY_PATHS = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface BindMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface BundleInput {
  readonly spec: ZmachineSpec;
  readonly image: ImageConfig;
  readonly user: ProcessUser;
  readonly rootfsPath: string;
  readonly netnsPath: string;
  /** Sysfs of the zmachine's network namespace, mounted on the node. */
  readonly sysfsPath: string;
  readonly cgroupsPath: string;
  readonly hostIdBase: number;
  readonly arch: string;
  readonly openFiles: number;
  /** Volumes, files and the name service's files. */
  readonly binds: readonly BindMount[];
}

interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export function buildBundle(input: BundleInput): Record<string, unknown> {
  const { spec } = input;
  return {
    ociVersion: "1.0.2",
    process: processSection(input),
    root: { path: input.rootfsPath, readonly: spec.readOnlyRootfs },
    hostname: spec.hostname || spec.name,
    mounts: [...systemMounts(input.sysfsPath), ...userMounts(input)],
    linux: {
      uidMappings: [{ containerID: 0, hostID: input.hostIdBase, size: L.idsPerRange }],
      gidMappings: [{ containerID: 0, hostID: input.hostIdBase, size: L.idsPerRange }],
      namespaces: [
        { type: "user" },
        { type: "pid" },
        { type: "ipc" },
        { type: "uts" },
        { type: "mount" },
        { type: "cgroup" },
        { type: "network", path: input.netnsPath },
      ],
      cgroupsPath: input.cgroupsPath,
      resources: resources(spec),
      seccomp: seccompProfile(input.arch),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
      rootfsPropagation: "private",
    },
  };
}

function processSection(input: BundleInput): Record<string, unknown> {
  const { spec, user } = input;
  const effective = user.uid === 0 ? CAPABILITIES : [];
  return {
    terminal: false,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids, umask: 0o022 },
    args: processArguments(spec, input.image),
    env: environment(spec, input.image, user),
    cwd: workingDir(spec, input.image),
    capabilities: { bounding: CAPABILITIES, effective, permitted: effective, inheritable: [], ambient: [] },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: input.openFiles, soft: input.openFiles }],
    noNewPrivileges: true,
    oomScoreAdj: 500,
  };
}

/** As Docker: a new entrypoint also drops the image's CMD. */
export function processArguments(spec: ZmachineSpec, image: ImageConfig): readonly string[] {
  const args =
    spec.entrypoint.length > 0
      ? [...spec.entrypoint, ...spec.command]
      : [...image.entrypoint, ...(spec.command.length > 0 ? spec.command : image.cmd)];
  if (args.length === 0) throw fail("compute.no_command", { details: { zmachine: spec.name } });
  return args;
}

function environment(spec: ZmachineSpec, image: ImageConfig, user: ProcessUser): string[] {
  const variables = new Map<string, string>([
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", spec.hostname || spec.name],
    ["HOME", user.home],
  ]);
  for (const entry of image.env) {
    const [name = "", ...rest] = entry.split("=");
    variables.set(name, rest.join("="));
  }
  for (const [name, value] of Object.entries(spec.environment)) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function workingDir(spec: ZmachineSpec, image: ImageConfig): string {
  const folder = spec.workingDir || image.workingDir || "/";
  if (!folder.startsWith("/")) throw fail("compute.invalid_mount", { message: `The working folder "${folder}" is not absolute.` });
  return folder;
}

function systemMounts(sysfsPath: string): OciMount[] {
  const mount = (destination: string, type: string, options: readonly string[], source = type): OciMount => ({
    destination,
    type,
    source,
    options,
  });
  return [
    mount("/proc", "proc", ["nosuid", "noexec", "nodev"]),
    mount("/dev", "tmpfs", ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k"]),
    mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    mount("/dev/shm", "tmpfs", ["nosuid", "noexec", "nodev", "mode=1777", `size=${L.sharedMemoryBytes}`]),
    mount("/dev/mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
    // A fresh sysfs needs rights over the network namespace, which the zmachine must not have: it gets a ready one.
    mount("/sys", "bind", ["bind", "ro", "nosuid", "noexec", "nodev"], sysfsPath),
  ];
}

/** Outer targets first, so that `/data/cache` is mounted over `/data` and not hidden by it. */
function userMounts(input: BundleInput): OciMount[] {
  const temporary = input.spec.mounts
    .filter((mount) => mount.type === "tmpfs")
    .map((mount) => ({
      destination: mount.target,
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "nodev", mount.readOnly ? "ro" : "rw", "mode=1777", ...(mount.sizeBytes > 0 ? [`size=${mount.sizeBytes}`] : [])],
    }));
  const binds = input.binds.map((bind) => ({
    destination: bind.target,
    type: "bind",
    source: bind.source,
    options: ["bind", bind.readOnly ? "ro" : "rw", "nosuid", "nodev", "private"],
  }));
  const all = [...temporary, ...binds];
  for (const mount of all)
    if (depth(mount.destination) === 0) throw fail("compute.invalid_mount", { message: "Nothing can be mounted over `/`." });
  return all.sort((a, b) => depth(a.destination) - depth(b.destination));
}

function depth(path: string): number {
  return path.split("/").filter(Boolean).length;
}

/** Quota per 100 ms; shares so that zmachines that compete get processor time in the ratio they pay for. */
function resources(spec: ZmachineSpec): Record<string, unknown> {
  const { cpuMilli, memoryBytes, pids } = spec.resources;
  return {
    cpu: { quota: cpuMilli * 100, period: 100_000, shares: Math.min(262_144, Math.max(2, Math.floor((cpuMilli * 1024) / 1000))) },
    // Memory plus swap equals memory: no swap, which would hide the limit and slow down the neighbours.
    memory: { limit: memoryBytes, swap: memoryBytes },
    pids: { limit: pids },
    devices: [{ allow: false, access: "rwm" }],
  };
}
