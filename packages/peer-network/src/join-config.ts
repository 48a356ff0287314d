/** The WireGuard configuration of a user's device, made from the chain alone: any WireGuard app can join. */
import { x25519 } from "@noble/curves/ed25519.js";
import { type Entropy, hexToBytes, type SolutionId } from "@tfgrid/primitives";
import { fail } from "./errors.ts";
import { NETWORK_LIMITS, PATH_LIMITS } from "./limits.ts";
import { directEndpoint, sharesOf } from "./network/desired.ts";
import { type NetworkChain, readView } from "./network/view.ts";

export interface JoinOptions {
  readonly chain: NetworkChain;
  readonly solutionId: SolutionId;
  /** Name of the member, as given to solutions.add_member: unique in the solution. */
  readonly device: string;
  /** Of the device; its public half is on the chain. */
  readonly privateKey: Uint8Array;
}

export interface JoinKeys {
  /** Stays on the device. */
  readonly privateKey: Uint8Array;
  /** Goes to solutions.add_member. */
  readonly publicKey: Uint8Array;
}

export function newJoinKeys(entropy: Entropy): JoinKeys {
  const privateKey = entropy.randomBytes(32);
  return { privateKey, publicKey: x25519.getPublicKey(privateKey) };
}

/** @throws GridError network.not_a_member, network.no_nodes */
export async function joinConfig({ chain, solutionId, device, privateKey }: JoinOptions): Promise<string> {
  const view = await readView(chain, [solutionId]);
  const solution = view.solutions.get(solutionId);
  const self = solution?.solution.members.find((entry) => entry.name === device);
  if (solution === undefined || self === undefined) throw fail("network.not_a_member", { details: { device } });
  const { network } = self;
  const peers = [...sharesOf(solution, { name: network })].flatMap(([nodeId, subnet]) => {
    const endpoint = directEndpoint(view, solution, nodeId, network);
    const node = view.nodes.get(nodeId);
    return endpoint === undefined || node === undefined ? [] : [{ subnet, endpoint, publicKey: node.meshKey }];
  });
  const [first] = peers;
  if (first === undefined) throw fail("network.no_nodes", { details: { network } });
  const base64 = (key: Uint8Array): string => Buffer.from(key).toString("base64");
  return [
    "[Interface]",
    `PrivateKey = ${base64(privateKey)}`,
    `Address = ${self.ip.split("/")[0]}/32`,
    `DNS = ${first.subnet.replace(/0\/24$/, "1")}`,
    `MTU = ${NETWORK_LIMITS.tunnelMtu}`,
    ...peers.flatMap(({ subnet, endpoint, publicKey }) => [
      "",
      "[Peer]",
      `PublicKey = ${base64(hexToBytes(publicKey))}`,
      `Endpoint = ${endpoint.address}:${endpoint.port}`,
      `AllowedIPs = ${subnet}`,
      `PersistentKeepalive = ${PATH_LIMITS.keepaliveSec}`,
    ]),
    "",
  ].join("\n");
}
