/** Makes a znet, says its port, and waits to be killed. */
import { silentLogger } from "@tfgrid/primitives";
import { linuxNetwork, type ZnetSpec } from "../../src/index.ts";

const { machineNetns, dataDir, spec } = JSON.parse(process.argv[2] as string) as { machineNetns: string; dataDir: string; spec: ZnetSpec };
const driver = linuxNetwork({
  machineNetns,
  dataDir,
  uplink: { iface: "eth0" },
  portRange: { first: 51_800, last: 51_999 },
  dnsUpstreams: [],
  logger: silentLogger,
});
const { listenPort } = await driver.ensureZnet(spec);
await driver.setPeers(spec.key, []);
process.stdout.write(`${listenPort}\n`);
setInterval(() => undefined, 60_000);
