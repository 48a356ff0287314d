/**
 * A volume is a sparse file with an ext4 in it, mounted through a loop device: the file system itself holds the size, on
 * any file system of the machine and without quota support. A reboot drops the mounts; the next `ensureVolume` mounts again.
 */
import { chmod, mkdir, open, readdir, rename, rm, rmdir, stat, statfs, truncate, writeFile } from "node:fs/promises";
import { type ContractId, type Logger, silentLogger } from "@tfgrid/primitives";
import type { StorageDriver, VolumeId } from "../../ports.ts";
import { run, type RunResult } from "../compute/exec.ts";
import { isAbsent } from "../compute/files.ts";
import { KeyedLock } from "../compute/keyed-lock.ts";
import { isMounted, listMounts, mountLoop, unmountBelow } from "../compute/mounts.ts";
import { fail } from "./errors.ts";
import { STORAGE_LIMITS as L } from "./limits.ts";

export interface LinuxStorageOptions {
  /** The volumes' files. */
  readonly dataDir: string;
  /** Where they are mounted, for example `/run/tfgrid/<machine>/volumes`; its parents must let others pass (mode 711). */
  readonly mountDir: string;
  /** Sum of all volumes; several 3Nodes can share one disk. Default: what the disk has. */
  readonly maxBytes?: number;
  readonly logger?: Logger;
}

export interface LinuxStorage extends StorageDriver {
  /** Removes half-made files of a killed agent. */
  recover(): Promise<void>;
  /** Unmounts everything; the data stay. */
  release(): Promise<void>;
}

export async function linuxStorage(options: LinuxStorageOptions): Promise<LinuxStorage> {
  await mkdir(options.mountDir, { recursive: true, mode: 0o711 });
  await chmod(options.mountDir, 0o711);
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const driver = new Driver(options);
  await driver.recover();
  return driver;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const FILE = /^c(\d+)-(.+)\.img$/;
/** A file system ends on a whole block: up to this much of the file stays unused. */
const LARGEST_BLOCK_BYTES = 65_536;
/** One lock for all: their sizes are counted against the same disk. */
const ALL = "volumes";

interface Volume extends VolumeId {
  readonly file: string;
  readonly mountPath: string;
}

class Driver implements LinuxStorage {
  readonly #options: LinuxStorageOptions;
  readonly #logger: Logger;
  readonly #lock = new KeyedLock();

  constructor(options: LinuxStorageOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  async ensureVolume(options: Parameters<StorageDriver["ensureVolume"]>[0]): Promise<{ readonly path: string }> {
    const volume = this.#volume(options);
    return await this.#lock.run(ALL, async () => {
      const present = await sizeOf(volume.file);
      if (present === undefined) await this.#create(volume, options.sizeBytes);
      else if (options.sizeBytes < present) {
        throw fail("storage.cannot_shrink", { details: { volume: options.name, sizeBytes: options.sizeBytes, presentBytes: present } });
      }
      await this.#mount(volume);
      // Also when the file has its size already: a crash may have come between enlarging it and its file system.
      if (present !== undefined) await this.#grow(volume, { present, wanted: options.sizeBytes });
      return { path: await dataFolder(volume) };
    });
  }

  async removeVolume(id: VolumeId): Promise<void> {
    const volume = this.#volume(id);
    await this.#lock.run(ALL, async () => {
      await unmountBelow(volume.mountPath);
      await removeEmpty(volume.mountPath);
      await rm(volume.file, { force: true });
    });
  }

  async listVolumes(): ReturnType<StorageDriver["listVolumes"]> {
    const rows = [];
    for (const volume of await this.#volumes()) {
      const sizeBytes = await sizeOf(volume.file);
      if (sizeBytes === undefined) continue;
      rows.push({
        contractId: volume.contractId,
        name: volume.name,
        sizeBytes,
        usedBytes: await usedBytes(volume),
        path: `${volume.mountPath}/data`,
      });
    }
    return rows;
  }

  async recover(): Promise<void> {
    for (const name of await readdir(this.#options.dataDir)) {
      if (name.endsWith(".new")) await rm(`${this.#options.dataDir}/${name}`, { force: true });
    }
    const known = new Set((await this.#volumes()).map((volume) => volume.mountPath));
    for (const mount of await listMounts()) {
      if (mount.path.startsWith(`${this.#options.mountDir}/`) && !known.has(mount.path)) await unmountBelow(mount.path);
    }
    for (const name of await readdir(this.#options.mountDir)) {
      if (!known.has(`${this.#options.mountDir}/${name}`)) await removeEmpty(`${this.#options.mountDir}/${name}`);
    }
  }

  async release(): Promise<void> {
    await this.#lock.run(ALL, async () => {
      await unmountBelow(this.#options.mountDir);
      await rm(this.#options.mountDir, { recursive: true, force: true });
    });
  }

  async #create(volume: Volume, sizeBytes: number): Promise<void> {
    await this.#reserve(sizeBytes);
    const fresh = `${volume.file}.new`;
    try {
      await writeFile(fresh, "", { mode: 0o600 });
      await truncate(fresh, sizeBytes);
      // The node's ids own no reserve: all of the ordered size is for the data.
      await must("mkfs.ext4", ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", fresh]);
      await rename(fresh, volume.file);
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
  }

  async #grow(volume: Volume, sizes: { readonly present: number; readonly wanted: number }): Promise<void> {
    if (sizes.wanted > sizes.present) {
      await this.#reserve(sizes.wanted - sizes.present);
      await truncate(volume.file, sizes.wanted);
      this.#logger.info("volume enlarged", { contractId: volume.contractId, name: volume.name, sizeBytes: sizes.wanted });
    }
    if (sizes.wanted - (await fileSystemBytes(volume.file)) < LARGEST_BLOCK_BYTES) return;
    const device = (await listMounts()).find((mount) => mount.path === volume.mountPath)?.source ?? "";
    await must("losetup", ["--set-capacity", device]);
    const result = await run("resize2fs", [device], { timeoutMs: L.fileSystemTimeoutMs });
    // Growing while mounted needs CAP_SYS_RESOURCE, which some virtual machines take from root.
    if (result.code !== 0 && /permission denied/i.test(result.stderr)) await this.#growUnmounted(volume);
    else if (result.code !== 0) throw failure("resize2fs", result);
  }

  async #growUnmounted(volume: Volume): Promise<void> {
    await unmountBelow(volume.mountPath);
    const users = await run("losetup", ["--associated", volume.file, "--noheadings", "--output", "NAME"]);
    // Still attached: a zmachine has it mounted, and a file system in use must not be changed from outside.
    const free = users.code === 0 && users.stdout.trim() === "";
    try {
      if (!free) throw fail("storage.busy", { details: { volume: volume.name } });
      const check = await run("e2fsck", ["-p", "-f", volume.file], { timeoutMs: L.fileSystemTimeoutMs });
      if (check.code > 1) throw fail("storage.volume_damaged", { details: { volume: volume.name, message: check.stdout.slice(-500) } });
      await must("resize2fs", [volume.file]);
    } finally {
      await this.#mount(volume);
    }
  }

  async #mount(volume: Volume): Promise<void> {
    if (await isMounted(volume.mountPath)) return;
    await mkdir(volume.mountPath, { recursive: true, mode: 0o711 });
    try {
      await mountLoop(volume.file, volume.mountPath, ["nosuid", "nodev", "noatime"]);
    } catch (error) {
      this.#logger.warn("volume does not mount; checking its file system", { name: volume.name, error });
      const check = await run("e2fsck", ["-p", "-f", volume.file], { timeoutMs: L.fileSystemTimeoutMs });
      if (check.code > 1)
        throw fail("storage.volume_damaged", { details: { volume: volume.name, message: check.stdout.slice(-500) }, cause: error });
      await mountLoop(volume.file, volume.mountPath, ["nosuid", "nodev", "noatime"]);
    }
  }

  /** Sparse files promise more than they take: what was promised before counts, so that no promise is broken later. */
  async #reserve(moreBytes: number): Promise<void> {
    let promised = 0;
    let allocated = 0;
    for (const volume of await this.#volumes()) {
      const status = await stat(volume.file);
      promised += status.size;
      allocated += Math.min(status.size, status.blocks * 512);
    }
    const disk = await statfs(this.#options.dataDir);
    const free = disk.bavail * disk.bsize - L.reserveBytes - (promised - allocated);
    const allowed = Math.min(free, (this.#options.maxBytes ?? Number.MAX_SAFE_INTEGER) - promised);
    if (moreBytes > allowed) throw fail("storage.disk_full", { details: { wantedBytes: moreBytes, freeBytes: Math.max(0, allowed) } });
  }

  async #volumes(): Promise<Volume[]> {
    const volumes: Volume[] = [];
    for (const file of await readdir(this.#options.dataDir)) {
      const [, contractId, name] = FILE.exec(file) ?? [];
      if (contractId !== undefined && name !== undefined)
        volumes.push(this.#volume({ contractId: Number(contractId) as ContractId, name }));
    }
    return volumes;
  }

  #volume(id: VolumeId): Volume {
    if (!NAME.test(id.name)) throw fail("storage.invalid_name", { details: { name: id.name } });
    const { dataDir, mountDir } = this.#options;
    const base = `c${id.contractId}-${id.name}`;
    return { contractId: id.contractId, name: id.name, file: `${dataDir}/${base}.img`, mountPath: `${mountDir}/${base}` };
  }
}

/** A folder beside lost+found: databases refuse a folder that is not empty. */
async function dataFolder(volume: Volume): Promise<string> {
  const path = `${volume.mountPath}/data`;
  await mkdir(path, { recursive: true, mode: 0o755 });
  return path;
}

async function usedBytes(volume: Volume): Promise<number> {
  if (!(await isMounted(volume.mountPath))) return (await stat(volume.file)).blocks * 512;
  const { bsize, blocks, bfree } = await statfs(volume.mountPath);
  return (blocks - bfree) * bsize;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function removeEmpty(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

/** The size that the ext4 itself has (superblock at byte 1024), which a crash can leave smaller than its file. */
async function fileSystemBytes(path: string): Promise<number> {
  const file = await open(path, "r");
  try {
    const superblock = Buffer.alloc(1024);
    await file.read(superblock, 0, superblock.length, 1024);
    const blockBytes = 1024 * 2 ** superblock.readUInt32LE(0x18);
    return blockBytes * (superblock.readUInt32LE(0x04) + 2 ** 32 * superblock.readUInt32LE(0x150));
  } finally {
    await file.close();
  }
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const result = await run(program, args, { timeoutMs: L.fileSystemTimeoutMs });
  if (result.code !== 0) throw failure(program, result);
}

function failure(program: string, result: RunResult): Error {
  const message = (result.stderr || result.stdout).trim().slice(-500);
  if (/no space left on device/i.test(message)) return fail("storage.disk_full", { details: { message } });
  return fail("storage.system_failed", { message: `${program} ended with code ${result.code}: ${message}`, details: { program, message } });
}
