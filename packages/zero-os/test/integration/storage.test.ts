import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import type { ContractId } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linuxStorage, type LinuxStorage, type LinuxStorageOptions } from "../../src/drivers/index.ts";
import { storageCompliance } from "../support/storage-compliance.ts";

const exec = promisify(execFile);
const MIB = 1024 * 1024;
const contractId = 9 as ContractId;

describe.skipIf(process.getuid?.() !== 0)("volumes on Linux", () => {
  const name = `tfgt-${randomBytes(3).toString("hex")}`;
  let folder = "";
  let options: LinuxStorageOptions;
  let storage: LinuxStorage;
  const ensure = (volume: string, mib: number) => storage.ensureVolume({ contractId, name: volume, sizeBytes: mib * MIB, kind: "ssd" });

  beforeAll(async () => {
    folder = await mkdtemp(`${tmpdir()}/${name}-`);
    options = { dataDir: `${folder}/volumes`, mountDir: `/run/${name}/volumes`, maxBytes: 1024 * MIB };
    storage = await linuxStorage(options);
  });
  afterAll(async () => {
    await storage.release();
    await rm(`/run/${name}`, { recursive: true, force: true });
    await rm(folder, { recursive: true, force: true });
    const { stdout } = await exec("losetup", ["--list", "--noheadings", "--output", "BACK-FILE"]);
    const left = `${await readFile("/proc/self/mountinfo", "utf8")}${stdout}`.split("\n").filter((line) => line.includes(name));
    if (left.length > 0) throw new Error(`left behind: ${left.join("\n")}`);
  });

  storageCompliance(() => storage);

  test("the size is enforced, and growing in use gives room at once", async () => {
    const { path } = await ensure("full", 16);
    await expect(writeFile(`${path}/a`, Buffer.alloc(20 * MIB))).rejects.toMatchObject({ code: "ENOSPC" });
    await rm(`${path}/a`);
    await ensure("full", 64);
    await writeFile(`${path}/a`, Buffer.alloc(40 * MIB));
    const row = (await storage.listVolumes()).find((volume) => volume.name === "full");
    expect(row?.usedBytes).toBeGreaterThan(40 * MIB);
    expect(row?.sizeBytes).toBe(64 * MIB);
    await storage.removeVolume({ contractId, name: "full" });
    expect(await readdir(options.dataDir)).toEqual([]);
  });

  test("devices and setuid programs on a volume have no effect", async () => {
    const { path } = await ensure("flags", 16);
    const line = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").find((row) => row.includes("c9-flags"));
    expect(line).toMatch(/nosuid/);
    expect(line).toMatch(/nodev/);
    expect(await readdir(path)).toEqual([]);
    await storage.removeVolume({ contractId, name: "flags" });
  });

  test("after a reboot the data are mounted again; a growth that was cut off is finished", async () => {
    const { path } = await ensure("kept", 16);
    await writeFile(`${path}/a`, "kept");
    await storage.release();
    // Killed after the file was enlarged and before its file system was; and in the middle of making another one.
    await exec("truncate", ["-s", String(64 * MIB), `${options.dataDir}/c9-kept.img`]);
    await writeFile(`${options.dataDir}/c9-half.img.new`, "half");
    storage = await linuxStorage(options);
    expect(await readdir(options.dataDir)).toEqual(["c9-kept.img"]);
    expect((await ensure("kept", 64)).path).toBe(path);
    expect(await readFile(`${path}/a`, "utf8")).toBe("kept");
    await writeFile(`${path}/b`, Buffer.alloc(40 * MIB));
    await storage.removeVolume({ contractId, name: "kept" });
  });
});
