/** The node's configuration file: strict, so that a typo is an error and not a default. */
import { readFile } from "node:fs/promises";
import { type Infer, messageOf, s } from "@tfgrid/primitives";
import { chain, chainAccess } from "@tfgrid/tfchain";
import { nodeErrors } from "../errors.ts";
import { NODE_LIMITS } from "../limits.ts";

const url = s.text({ minLength: 8, maxLength: 500, pattern: /^(https?|wss?):\/\/[^\s]+$/ });
const path = s.text({ minLength: 2, maxLength: 1024, pattern: /^\/[^\0]*$/ });
const port = s.uint({ min: 1, max: 65_535 });
const ip = s.text({ minLength: 2, maxLength: 45, pattern: /^[0-9a-fA-F.:]+$/ });

export const nodeConfig = s.struct({
  /** Name below /run/netns of the machine's own network namespace, which holds the uplink; on a machine of its own `host`. */
  machine: s.text({ minLength: 1, maxLength: 60, pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ }),
  /** Identity, instructions, volumes, image cache. */
  dataDir: path,
  /** Proofs are checked against headers that `trust` leads to. */
  chain: chainAccess,
  notary: s.struct({ urls: s.list(url, { min: 1, max: 8 }) }),
  /** Multiaddrs of messaging relays; empty: no logs, metrics and link costs. */
  relays: s.list(s.text({ maxLength: 200 }), { max: chain.LIMITS.relaysPerTwin }),
  /** Signed by the farmer. */
  joinToken: chain.joinToken,
  location: chain.location,
  /** What the farmer offers at most; a field left out means all that the machine has. */
  capacity: s.optional(
    s.struct({
      cpuMilli: s.optional(s.uint({ min: 100 })),
      memoryBytes: s.optional(s.uint({ min: 64 * 1024 * 1024 })),
      ssdBytes: s.optional(s.uint()),
      hddBytes: s.optional(s.uint()),
    }),
  ),
  /** containers-registries.conf(5): mirrors and plain-http registries. */
  registriesConf: s.optional(path),
  uplink: s.struct({
    iface: s.text({ minLength: 1, maxLength: 15 }),
    /** Where other nodes reach this machine; left out: the first address of the interface. */
    address: s.optional(ip),
  }),
  /** UDP ports of the peer network on the uplink: probes, WireGuard, forwards. */
  meshPorts: s.struct({ first: port, last: port }),
  dnsUpstreams: s.list(ip, { max: 4 }),
  /** Present: this node is a web gateway for NAME.domain. */
  gateway: s.optional(s.struct({ domain: s.text({ minLength: 1, maxLength: 253 }) })),
  /**
   * How the farmer's wish to switch the node off is followed: `machine`: the machine is powered off, and woken by magic packets of
   * another 3Node on its LAN; `process`: the agent falls silent (several nodes on one machine). Left out: it stays on.
   */
  power: s.optional(s.oneOf(["machine", "process"])),
  /** A wireguard-go that is newer than the one in PATH. */
  wireguardGo: s.optional(path),
  logLevel: s.optional(s.oneOf(["debug", "info", "warn", "error"])),
});
export type NodeConfig = Infer<typeof nodeConfig>;

/** @throws GridError node.config_invalid */
export function parseNodeConfig(text: string, file: string): NodeConfig {
  try {
    if (text.length > NODE_LIMITS.configBytes) throw new Error(`the file is larger than ${NODE_LIMITS.configBytes} bytes`);
    const config = nodeConfig.fromJson(JSON.parse(text));
    if (config.meshPorts.last - config.meshPorts.first < 8) throw new Error("meshPorts: at least 9 ports are needed");
    return config;
  } catch (cause) {
    throw nodeErrors.fail("node.config_invalid", { message: `${file}: ${messageOf(cause)}`, details: { file }, cause });
  }
}

/** @throws GridError node.config_invalid */
export async function readNodeConfig(file: string): Promise<NodeConfig> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw nodeErrors.fail("node.config_invalid", { message: `${file}: ${messageOf(cause)}`, details: { file }, cause });
  }
  return parseNodeConfig(text, file);
}
