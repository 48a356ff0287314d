/** What every storage driver promises; run against the simulated and the Linux one. */
import type { ContractId } from "@tfgrid/primitives";
import { expect, test } from "vitest";
import type { StorageDriver } from "../../src/ports.ts";

const MIB = 1024 * 1024;

export function storageCompliance(subject: () => StorageDriver): void {
  const contractId = 9 as ContractId;
  const ensure = (name: string, sizeMib: number) => subject().ensureVolume({ contractId, name, sizeBytes: sizeMib * MIB, kind: "ssd" });
  const find = async (name: string) => (await subject().listVolumes()).find((row) => row.name === name);

  test("a volume is made once, listed with its size and path, and removed without trace, twice if need be", async () => {
    const { path } = await ensure("one", 16);
    expect(await ensure("one", 16)).toEqual({ path });
    expect(await find("one")).toMatchObject({ contractId, name: "one", sizeBytes: 16 * MIB, path });
    await subject().removeVolume({ contractId, name: "one" });
    await subject().removeVolume({ contractId, name: "one" });
    expect(await find("one")).toBeUndefined();
  });

  test("volumes of two contracts with one name are two volumes", async () => {
    const first = await ensure("same", 16);
    const second = await subject().ensureVolume({ contractId: 10 as ContractId, name: "same", sizeBytes: 16 * MIB, kind: "ssd" });
    expect(second.path).not.toBe(first.path);
    await subject().removeVolume({ contractId, name: "same" });
    expect(await find("same")).toMatchObject({ contractId: 10 });
    await subject().removeVolume({ contractId: 10 as ContractId, name: "same" });
  });

  test("a volume grows and never shrinks", async () => {
    await ensure("grow", 16);
    await ensure("grow", 48);
    expect(await find("grow")).toMatchObject({ sizeBytes: 48 * MIB });
    await expect(ensure("grow", 16)).rejects.toMatchObject({ code: "storage.cannot_shrink" });
    expect(await find("grow")).toMatchObject({ sizeBytes: 48 * MIB });
    await subject().removeVolume({ contractId, name: "grow" });
  });

  test("more than the disk holds is refused and leaves nothing", async () => {
    await expect(ensure("huge", 1024 * 1024 * 1024)).rejects.toMatchObject({ code: "storage.disk_full" });
    expect(await find("huge")).toBeUndefined();
  });

  test("a name that could leave its folder is refused", async () => {
    await expect(ensure("../other", 16)).rejects.toMatchObject({ code: "storage.invalid_name" });
  });
}
