/** Pure: from what the chain says to what the driver shall do. */
import type { NodeId, SolutionId } from "@tfgrid/primitives";
import type { NodeContract } from "@tfgrid/tfchain";
import { subnetBase } from "../linux/names.ts";
import { PATH_LIMITS } from "../limits.ts";
import type { NameRecord, ZnetKey, ZnetPeer } from "../ports.ts";
import { type ChainView, endpointOf, reportedPort, type SolutionView } from "./view.ts";

export interface LocalZmachine {
  readonly name: string;
  readonly service: string;
  readonly aliases: readonly string[];
  readonly ip: string;
  /** Running, and healthy if it has a health check; undefined: not looked at yet, so the node's last report counts. */
  readonly ready: boolean | undefined;
}

/** A private network that this node serves, as its instruction says; `ensureZnet` of the driver has been or will be called. */
export interface DesiredZnet {
  readonly key: ZnetKey;
  readonly solutionId: SolutionId;
  readonly name: string;
  readonly cidr: string;
  readonly subnetIndex: number;
  /** Own zmachines in it: known here before the chain has the report. */
  readonly local: readonly LocalZmachine[];
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** `endpointFor`: where the chosen path begins; undefined = the peer itself. */
export function desiredPeers(options: {
  readonly view: ChainView;
  readonly znet: DesiredZnet;
  readonly self: NodeId;
  readonly endpointFor: (peer: NodeId) => Endpoint | undefined;
}): readonly ZnetPeer[] {
  const { view, znet, self, endpointFor } = options;
  const solution = view.solutions.get(znet.solutionId);
  if (solution === undefined) return [];
  const peers = new Map<string, ZnetPeer>();
  for (const [nodeId, subnet] of sharesOf(solution, znet)) {
    const node = view.nodes.get(nodeId);
    if (nodeId === self || node === undefined) continue;
    const endpoint = endpointFor(nodeId) ?? directEndpoint(view, solution, nodeId, znet.name);
    peers.set(node.meshKey, {
      publicKey: node.meshKey,
      ...(endpoint === undefined ? {} : { endpoint }),
      allowedIps: [subnet],
      // WireGuard greets a peer as soon as it gets a keepalive, and not again for five seconds (REKEY_TIMEOUT, section 6.1 of its
      // paper): a greeting without an address to send it to would cost a new peer those seconds.
      keepaliveSec: endpoint === undefined ? 0 : PATH_LIMITS.keepaliveSec,
    });
  }
  for (const member of solution.solution.members) {
    if (member.network !== znet.name || peers.has(member.publicKey)) continue;
    // Devices call in; their own app keeps the way open.
    peers.set(member.publicKey, { publicKey: member.publicKey, allowedIps: [`${member.ip.split("/")[0]}/32`], keepaliveSec: 0 });
  }
  return [...peers.values()].toSorted((a, b) => a.publicKey.localeCompare(b.publicKey));
}

export function directEndpoint(view: ChainView, solution: SolutionView, nodeId: NodeId, network: string): Endpoint | undefined {
  const endpoint = endpointOf(view.nodes.get(nodeId));
  const port = reportedPort(solution, nodeId, network);
  return endpoint === undefined || port === undefined ? undefined : { address: endpoint.address, port };
}

/** Node -> its /24. */
export function sharesOf(solution: SolutionView, network: { readonly name: string }): ReadonlyMap<NodeId, string> {
  const shares = new Map<NodeId, string>();
  for (const contract of solution.contracts) {
    const share = contract.networks.find((entry) => entry.name === network.name);
    if (share !== undefined) shares.set(contract.nodeId, `${subnetBase(share.cidr, share.subnetIndex)}.0/24`);
  }
  return shares;
}

type ReportedZmachine = NonNullable<NodeContract["report"]>["zmachines"][number];
const READY: ReadonlySet<ReportedZmachine["state"]> = new Set(["running", "healthy"]);

/**
 * Names of one network: its own zmachines first; a name that only another network of the solution knows is answered too,
 * since a zmachine in several networks asks one name server.
 */
export function desiredNames(options: {
  readonly view: ChainView;
  readonly znet: DesiredZnet;
  /** All networks of the same solution on this node. */
  readonly siblings: readonly DesiredZnet[];
  readonly self: NodeId;
}): readonly NameRecord[] {
  const { view, znet, siblings, self } = options;
  const own = namesOf(view, znet, self);
  for (const sibling of siblings) {
    if (sibling.key === znet.key) continue;
    for (const [name, ips] of namesOf(view, sibling, self)) if (!own.has(name)) own.set(name, ips);
  }
  return [...own].map(([name, ips]) => ({ name, ips: [...ips].toSorted() })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function namesOf(view: ChainView, znet: DesiredZnet, self: NodeId): Map<string, Set<string>> {
  const names = new Map<string, Set<string>>();
  const add = (labels: readonly string[], ip: string): void => {
    for (const label of new Set(labels)) names.set(label, (names.get(label) ?? new Set()).add(ip));
  };
  const unknown = new Set(znet.local.filter((own) => own.ready === undefined).map((own) => own.name));
  for (const own of znet.local) if (own.ready === true) add([own.name, own.service, ...own.aliases], own.ip);
  for (const contract of view.solutions.get(znet.solutionId)?.contracts ?? []) {
    const node = view.nodes.get(contract.nodeId);
    // A node that the ledger calls down cannot answer, whatever it said last.
    if (contract.nodeId !== self && node?.up !== true) continue;
    for (const zmachine of contract.report?.zmachines ?? []) {
      if (contract.nodeId === self && !unknown.has(zmachine.name)) continue;
      const ip = zmachine.addresses.find((address) => address.network === znet.name)?.ip.split("/")[0];
      if (ip !== undefined && READY.has(zmachine.state)) add([zmachine.name, zmachine.service, ...zmachine.aliases], ip);
    }
  }
  return names;
}
