/** Drives a NetworkDriver straight from the ledger's reports: every peer at its own endpoint, no forwarding over others. */
import type { NameRecord, NetworkDriver, ZnetPeer } from "@tfgrid/peer-network";
import type { Hex, Logger, NodeId } from "@tfgrid/primitives";
import { znetKey } from "../provisioning/keys.ts";
import type { NetworkControl, NetworkView } from "./network-control.ts";
import type { SolutionView } from "./solution-book.ts";

const KEEPALIVE_SEC = 25;
const SERVING = new Set(["running", "healthy"]);

export interface DirectNetworkOptions {
  readonly driver: NetworkDriver;
  readonly privateKey: Hex;
  readonly logger: Logger;
}

export function directNetwork({ driver, privateKey, logger }: DirectNetworkOptions): NetworkControl {
  const applied = new Map<string, string>();
  let view: NetworkView | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  const apply = async (): Promise<void> => {
    do {
      again = false;
      const present = (await driver.list()).znets;
      for (const wanted of view === undefined ? [] : znetsOf(view)) if (present.includes(wanted.key)) await applyZnet(wanted);
    } while (again);
  };
  const applyZnet = async ({ key, peers, names }: WantedZnet): Promise<void> => {
    const text = JSON.stringify([peers, names]);
    if (applied.get(key) === text) return;
    await driver.setPeers(key, peers);
    await driver.setNames(key, names);
    applied.set(key, text);
  };
  const kick = (): void => {
    again = true;
    running ??= apply()
      .catch((error: unknown) => logger.warn("peers or names not applied yet", { error }))
      .finally(() => {
        running = undefined;
      });
  };
  return {
    ensureZnet: async ({ key, network }) => {
      const { cidr, subnetIndex, internal } = network;
      const { listenPort } = await driver.ensureZnet({ key, cidr, subnetIndex, internal, privateKey });
      applied.delete(key);
      kick();
      return { listenPort };
    },
    removeZnet: async (key) => {
      await driver.removeZnet(key);
      applied.delete(key);
    },
    attach: (attachment) => driver.attach(attachment),
    detach: (key) => driver.detach(key),
    list: () => driver.list(),
    update: (next) => {
      view = next;
      kick();
    },
    stop: async () => {
      await running;
    },
  };
}

interface WantedZnet {
  readonly key: string;
  readonly peers: readonly ZnetPeer[];
  readonly names: readonly NameRecord[];
}

export function znetsOf(view: NetworkView): readonly WantedZnet[] {
  return [...view.solutions.values()].flatMap((solution) => {
    const own = solution.nodeContracts.filter(({ nodeId }) => nodeId === view.nodeId);
    const names = new Set(own.flatMap(({ networks }) => networks.map(({ name }) => name)));
    return [...names].map((name) => ({
      key: znetKey(solution.solution.id, name),
      peers: [...nodePeers(view, solution, name), ...memberPeers(solution, name)],
      names: namesOf(solution, name),
    }));
  });
}

function nodePeers(view: NetworkView, { nodeContracts }: SolutionView, name: string): readonly ZnetPeer[] {
  const byNode = new Map<NodeId, ZnetPeer>();
  for (const { nodeId, networks, report } of nodeContracts) {
    const share = networks.find((network) => network.name === name);
    const node = view.nodes.get(nodeId);
    if (nodeId === view.nodeId || share === undefined || node === undefined) continue;
    const [a, b] = share.cidr.split(".");
    const port = report?.networks.find((network) => network.name === name)?.port;
    const address = node.meshEndpoints[0]?.address;
    byNode.set(nodeId, {
      publicKey: node.meshKey,
      allowedIps: [`${a}.${b}.${share.subnetIndex}.0/24`],
      keepaliveSec: KEEPALIVE_SEC,
      ...(port === undefined || address === undefined ? {} : { endpoint: { address, port } }),
    });
  }
  return [...byNode.values()];
}

/** A user's device calls by itself: where it is, is not known. */
function memberPeers({ solution }: SolutionView, name: string): readonly ZnetPeer[] {
  return solution.members
    .filter(({ network }) => network === name)
    .map(({ publicKey, ip }) => ({ publicKey, allowedIps: [`${ip.split("/")[0]}/32`], keepaliveSec: 0 }));
}

/** Service names answer with those that serve; a zmachine's own name always answers. */
function namesOf({ nodeContracts }: SolutionView, network: string): readonly NameRecord[] {
  const records = new Map<string, string[]>();
  const add = (name: string, ip: string): void => {
    const ips = records.get(name) ?? [];
    if (!ips.includes(ip)) records.set(name, [...ips, ip]);
  };
  for (const zmachine of nodeContracts.flatMap(({ report }) => report?.zmachines ?? [])) {
    const ip = zmachine.addresses.find((address) => address.network === network)?.ip;
    if (ip === undefined) continue;
    add(zmachine.name, ip);
    if (SERVING.has(zmachine.state)) for (const name of [zmachine.service, ...zmachine.aliases]) add(name, ip);
  }
  return [...records].map(([name, ips]) => ({ name, ips: ips.toSorted() })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
