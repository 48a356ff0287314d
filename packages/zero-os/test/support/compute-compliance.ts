/** What every compute driver promises; run against the simulated and the Linux one. */
import type { ZmachineSpec } from "@tfgrid/notary";
import { expect, test } from "vitest";
import type { ComputeDriver, LogLine, ZmachineStart } from "../../src/ports.ts";
import { type StartMore, zmachineStart } from "./compute-fixtures.ts";

export interface ComplianceSubject {
  readonly driver: ComputeDriver;
  readonly net: { readonly netnsPath: string; readonly ip: string };
  /** An image that can be pulled; its shell understands `echo` and `exit N`, and it runs on by default. */
  readonly image: ZmachineSpec["image"];
  readonly missingImage: ZmachineSpec["image"];
}

const never = new AbortController().signal;
const shell = (script: string): StartMore => ({ entrypoint: ["/bin/sh", "-c", script] });

export function computeCompliance(subject: () => ComplianceSubject): void {
  let serial = 0;
  const make = async (more: StartMore = {}): Promise<ZmachineStart> => {
    serial += 1;
    const { driver, image, net } = subject();
    await driver.pullImage(image, { signal: never });
    return zmachineStart(net, image, { key: `c7-compliance-${serial}`, ...more });
  };
  const statusOf = async (key: string) => (await subject().driver.list()).find((status) => status.key === key);
  const exited = async (key: string) => {
    await expect.poll(async () => (await statusOf(key))?.state, { interval: 10 }).toBe("exited");
    return await statusOf(key);
  };
  const linesOf = async (key: string, tail: number): Promise<string[]> => {
    const lines: LogLine[] = [];
    for await (const line of subject().driver.logs(key, { tail, follow: false, signal: never })) lines.push(line);
    return lines.map((line) => line.text);
  };

  test("an image that no registry has is named as such", async () => {
    const { driver, missingImage } = subject();
    await expect(driver.pullImage(missingImage, { signal: never })).rejects.toMatchObject({ code: "compute.image_not_found" });
  });

  test("an aborted pull ends with the reason of the abort", async () => {
    const { driver, missingImage } = subject();
    const reason = new Error("no longer wanted");
    await expect(driver.pullImage(missingImage, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("nothing starts without its image in the cache", async () => {
    const { driver, missingImage, net } = subject();
    const start = zmachineStart(net, missingImage, { key: "c7-uncached" });
    await expect(driver.start(start)).rejects.toMatchObject({ code: "compute.image_not_cached" });
    expect(await statusOf(start.key)).toBeUndefined();
  });

  test("a started zmachine is listed, and starting it again touches nothing", async () => {
    const { driver } = subject();
    const start = await make();
    await driver.start(start);
    const before = await statusOf(start.key);
    expect(before).toMatchObject({ key: start.key, contractId: 7, specHash: "hash-1", state: "running" });
    await driver.start(start);
    expect(await statusOf(start.key)).toEqual(before);
    expect(await driver.metrics(start.key)).toMatchObject({ memoryLimitBytes: start.spec.resources.memoryBytes, restarts: 0 });
    await driver.remove(start.key);
  });

  test("an exit code is kept, told to listeners, and a start with the same hash restarts and counts", async () => {
    const { driver } = subject();
    const heard: string[] = [];
    const stopListening = driver.onExit((key) => heard.push(key));
    const start = await make(shell("echo one; exit 3"));
    await driver.start(start);
    expect(await exited(start.key)).toMatchObject({ exitCode: 3, oomKilled: false });
    await expect.poll(() => heard).toContain(start.key);
    await driver.start(start);
    await exited(start.key);
    expect(await linesOf(start.key, 10)).toEqual(["one", "one"]);
    expect(await linesOf(start.key, 1)).toEqual(["one"]);
    stopListening();
    await driver.remove(start.key);
  });

  test("another hash replaces the zmachine and begins a new log", async () => {
    const { driver } = subject();
    const first = await make(shell("echo one; exit 0"));
    await driver.start(first);
    await exited(first.key);
    await driver.start({ ...first, specHash: "hash-2" });
    await exited(first.key);
    expect(await statusOf(first.key)).toMatchObject({ specHash: "hash-2" });
    expect(await linesOf(first.key, 10)).toEqual(["one"]);
    await driver.remove(first.key);
  });

  test("stop asks first, keeps the zmachine listed, and is idempotent; remove forgets it, twice if need be", async () => {
    const { driver } = subject();
    const start = await make();
    await driver.start(start);
    await driver.stop(start.key, { stopSignal: "SIGKILL", graceMs: 1000 });
    await driver.stop(start.key, { stopSignal: "SIGTERM", graceMs: 1000 });
    expect(await statusOf(start.key)).toMatchObject({ state: "exited", exitCode: 137 });
    await driver.remove(start.key);
    await driver.remove(start.key);
    expect(await statusOf(start.key)).toBeUndefined();
    expect(await driver.metrics(start.key)).toBeUndefined();
    await expect(linesOf(start.key, 1)).rejects.toMatchObject({ code: "compute.unknown_zmachine" });
  });

  test("a probe of something that does not run is unhealthy and never throws", async () => {
    const result = await subject().driver.probe("c7-nothing", { type: "tcp", port: 80 }, { timeoutMs: 500 });
    expect(result.healthy).toBe(false);
  });

  test("isolation classes and volumes that are not there are refused by name", async () => {
    const { driver } = subject();
    await expect(driver.start(await make({ isolation: "microvm" }))).rejects.toMatchObject({ code: "compute.isolation_unsupported" });
    const mounts = [{ type: "volume" as const, source: "data", target: "/data", readOnly: false, sizeBytes: 0 }];
    const start = await make({ mounts });
    await expect(driver.start(start)).rejects.toMatchObject({ code: "compute.volume_missing" });
    expect(await statusOf(start.key)).toBeUndefined();
  });

  test("following a log gives lines as they come and ends on abort", async () => {
    const { driver } = subject();
    const start = await make(shell("echo first; exit 0"));
    await driver.start(start);
    const abort = new AbortController();
    const seen: string[] = [];
    for await (const line of driver.logs(start.key, { tail: 10, follow: true, signal: abort.signal })) {
      seen.push(line.text);
      if (seen.length === 1) {
        await exited(start.key);
        await driver.start(start);
      } else abort.abort();
    }
    expect(seen).toEqual(["first", "first"]);
    await exited(start.key);
    await driver.remove(start.key);
  });

  test("garbage collection keeps what runs and what is asked for, and drops the rest", async () => {
    const { driver, image } = subject();
    const start = await make();
    await driver.start(start);
    await driver.collectGarbage({ keepDigests: [], maxBytes: 0 });
    await driver.stop(start.key, { stopSignal: "SIGKILL", graceMs: 1000 });
    await driver.start(start);
    await driver.remove(start.key);
    await driver.collectGarbage({ keepDigests: [image.digest], maxBytes: 0 });
    await driver.start(start);
    await driver.remove(start.key);
    await driver.collectGarbage({ keepDigests: [], maxBytes: 0 });
    await expect(driver.start(start)).rejects.toMatchObject({ code: "compute.image_not_cached" });
  });
}
