/** Starts and removes one zmachine for ever, to be killed at any moment by the test that started it. */
import { linuxCompute, type LinuxComputeOptions } from "../../src/drivers/index.ts";
import type { ZmachineStart } from "../../src/ports.ts";

const { options, start } = JSON.parse(process.argv[2] ?? "") as { options: LinuxComputeOptions; start: ZmachineStart };
const driver = await linuxCompute(options);
process.stdout.write("ready\n");
for (;;) {
  await driver.remove(start.key);
  await driver.start(start);
}
