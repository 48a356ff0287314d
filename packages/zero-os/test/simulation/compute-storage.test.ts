import { describe, expect, test } from "vitest";
import { simulatedCompute, simulatedStorage } from "../../src/drivers/index.ts";
import { computeCompliance } from "../support/compute-compliance.ts";
import { zmachineStart } from "../support/compute-fixtures.ts";
import { storageCompliance } from "../support/storage-compliance.ts";

const image = { reference: "registry.example/web", digest: `sha256:${"a".repeat(64)}` };
const missingImage = { reference: "registry.example/none", digest: `sha256:${"b".repeat(64)}` };
const net = { netnsPath: "/run/netns/simulated", ip: "10.99.0.2" };

describe("simulated compute", () => {
  const driver = simulatedCompute({
    program: (start) => {
      const script = start.spec.entrypoint[2] ?? "";
      const code = /exit (\d+)/.exec(script)?.[1];
      const output = [...script.matchAll(/echo (\w+)/g)].map((match) => match[1] ?? "");
      return code === undefined ? { output } : { output, endsAfterMs: 0, exitCode: Number(code) };
    },
  });
  driver.faults.missingImages.add(missingImage.digest);
  computeCompliance(() => ({ driver, image, missingImage, net }));

  test("faults appear as the real errors do and go away again", async () => {
    const signal = new AbortController().signal;
    driver.faults.registryUnreachable = true;
    await expect(driver.pullImage(image, { signal })).rejects.toMatchObject({ code: "compute.registry_unreachable" });
    driver.faults.registryUnreachable = false;
    await driver.pullImage(image, { signal });
    const start = zmachineStart(net, image);
    driver.faults.diskFull = true;
    await expect(driver.start(start)).rejects.toMatchObject({ code: "compute.disk_full" });
    expect(await driver.list()).toEqual([]);
    driver.faults.diskFull = false;
    await driver.start(start);
    driver.faults.unhealthy.add(start.key);
    expect(await driver.probe(start.key, { type: "tcp", port: 80 }, { timeoutMs: 10 })).toMatchObject({ healthy: false });
    driver.exit(start.key, 137, { oomKilled: true });
    expect(await driver.list()).toMatchObject([{ state: "exited", exitCode: 137, oomKilled: true }]);
  });
});

describe("simulated storage", () => {
  const driver = simulatedStorage({ maxBytes: 1024 ** 3 });
  storageCompliance(() => driver);
});
