/** Everything a zmachine stands on, made before its process: root file system, files, sysfs, volumes. */
import { chown, chmod, mkdir, readdir, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { ZmachineStart } from "../../ports.ts";
import type { BindMount } from "./bundle.ts";
import { fail } from "./errors.ts";
import { mustRun } from "./exec.ts";
import { isAbsent } from "./files.ts";
import { mountShifted } from "./idmap.ts";
import type { StoredImage } from "./image-store.ts";
import { resolveInRoot } from "./in-root.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { mountLoop } from "./mounts.ts";

export interface Places {
  /** Survives a reboot: record, writable layer, log. */
  readonly data: string;
  /** Gone with a reboot, as the mounts in it are. Its parents let a mapped root pass through (mode 711). */
  readonly run: string;
}

/** Overlay of the image (owners moved to this tenant's ids) and a file system of exactly the ordered size. */
export async function prepareRootfs(
  places: Places,
  image: StoredImage,
  options: { sizeBytes: number; hostIdBase: number },
): Promise<string> {
  const { sizeBytes, hostIdBase } = options;
  const disk = `${places.data}/rootfs.img`;
  const folders = { lower: `${places.run}/lower`, layer: `${places.run}/layer`, merged: `${places.run}/merged` };
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true, mode: 0o711 });
  if (!(await exists(disk))) await makeDisk(disk, sizeBytes);
  await mountLoop(disk, folders.layer, ["nodev", "noatime", "noinit_itable"]);
  const upper = `${folders.layer}/upper`;
  if (!(await exists(upper))) {
    const root = await stat(image.rootfsPath);
    await mkdir(`${folders.layer}/work`, { recursive: true });
    await mkdir(upper, { mode: root.mode & 0o7777 });
    const shift = image.idBase === 0 ? hostIdBase : 0;
    await chown(upper, root.uid + shift, root.gid + shift);
  }
  const lower = image.idBase === 0 ? folders.lower : image.rootfsPath;
  if (image.idBase === 0) await mountShifted(image.rootfsPath, folders.lower, hostIdBase);
  const options_ = `lowerdir=${lower},upperdir=${upper},workdir=${folders.layer}/work,nodev`;
  await mustRun("mount", ["-t", "overlay", "-o", options_, "overlay", folders.merged]);
  return folders.merged;
}

/** No journal: the layer lives as long as its zmachine; after a crash of the machine e2fsck would not be worth the writes. */
async function makeDisk(path: string, sizeBytes: number): Promise<void> {
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await writeFile(fresh, "", { mode: 0o600 });
  await truncate(fresh, sizeBytes);
  await mustRun("mkfs.ext4", ["-q", "-F", "-m", "0", "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard", fresh]);
  await rename(fresh, path);
}

/**
 * Sysfs of the zmachine's network namespace, and two settings that the zmachine itself has no right to change: it may
 * serve ports below 1024 and send pings, both without rights over the namespace.
 */
export async function prepareNamespace(places: Places, netnsPath: string): Promise<string> {
  if (!(await exists(netnsPath))) throw fail("compute.network_missing", { details: { netns: netnsPath } });
  const target = `${places.run}/sys`;
  await mkdir(target, { recursive: true, mode: 0o711 });
  const script =
    'mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$1" && echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start && echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range';
  await mustRun("nsenter", [`--net=${netnsPath}`, "--", "sh", "-c", script, "sh", target]);
  return target;
}

/** Secrets and configs, and the name service's files, in memory only. */
export async function prepareFiles(places: Places, start: ZmachineStart, hostIdBase: number): Promise<BindMount[]> {
  const folder = `${places.run}/files`;
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const system = nameFiles(start);
  const size = start.files.reduce((sum, file) => sum + file.bytes.length + 4096, L.filesOverheadBytes);
  await mustRun("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0711,nosuid,nodev`, "tmpfs", folder]);
  const binds: BindMount[] = [];
  const all = [...system.map((file) => ({ ...file, mode: 0o644, uid: 0, gid: 0 })), ...start.files];
  for (const [index, file] of all.entries()) {
    const path = `${folder}/${index}`;
    await writeFile(path, file.bytes, { mode: 0o600 });
    await chown(path, hostIdBase + file.uid, hostIdBase + file.gid);
    await chmod(path, file.mode);
    binds.push({ source: path, target: file.target, readOnly: true });
  }
  return binds;
}

function nameFiles(start: ZmachineStart): { target: string; bytes: Uint8Array }[] {
  const { spec } = start;
  const hostname = spec.hostname || spec.name;
  const own = spec.networks.map((network) => `${network.ip} ${[...new Set([hostname, spec.name])].join(" ")}`);
  const hosts = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", ...own];
  const search = start.searchDomains.length > 0 ? [`search ${start.searchDomains.join(" ")}`] : [];
  const resolver = [`nameserver ${start.nameserver}`, ...search, "options timeout:2 attempts:3"];
  const text = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join("\n")}\n`);
  return [
    { target: "/etc/hosts", bytes: text(hosts) },
    { target: "/etc/hostname", bytes: text([hostname]) },
    { target: "/etc/resolv.conf", bytes: text(resolver) },
  ];
}

/** Named volumes; one that is still empty takes over what the image has at that place, as in Docker. */
export async function prepareVolumes(start: ZmachineStart, rootfs: string, hostIdBase: number): Promise<BindMount[]> {
  const binds: BindMount[] = [];
  for (const mount of start.spec.mounts) {
    if (mount.type !== "volume") continue;
    const path = start.volumePaths[mount.source];
    if (path === undefined || !(await exists(path))) {
      throw fail("compute.volume_missing", { message: `The volume "${mount.source}" is not prepared.`, details: { volume: mount.source } });
    }
    await initialiseVolume(path, await resolveInRoot(rootfs, mount.target), hostIdBase);
    binds.push({ source: path, target: mount.target, readOnly: mount.readOnly });
  }
  return binds;
}

/** Owner 0 means that no tenant has used it yet. The copy is complete before it takes the place of the empty folder. */
async function initialiseVolume(path: string, original: string | undefined, hostIdBase: number): Promise<void> {
  if ((await stat(path)).uid !== 0 || (await readdir(path)).length > 0) return;
  const isFolder = original !== undefined && (await stat(original)).isDirectory();
  if (!isFolder || (await readdir(original)).length === 0) {
    const owner = isFolder ? await stat(original) : undefined;
    if (owner !== undefined) await chmod(path, owner.mode & 0o7777);
    await chown(path, owner?.uid ?? hostIdBase, owner?.gid ?? hostIdBase);
    return;
  }
  const copy = `${dirname(path)}/.first-use`;
  await rm(copy, { recursive: true, force: true });
  try {
    await mustRun("cp", ["-a", "--reflink=auto", "-T", "--", original, copy], { timeoutMs: L.unpackTimeoutMs });
    await rename(copy, path);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}
