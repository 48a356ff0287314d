/** Private networks of a solution: each is one private /16, and each /24 of it lives on exactly one node. */
import type { NodeId, SolutionId } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { NodeContract } from "../../types/entities.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { padId } from "../store/table.ts";
import { networks, subnets } from "./store.ts";

type Share = NodeContract["networks"][number];
interface Owner {
  readonly solutionId: SolutionId;
  readonly nodeId: NodeId;
}

const networkKey = (solutionId: SolutionId, name: string): string => `${padId(solutionId)}/${name}`;
const subnetKey = (solutionId: SolutionId, share: Share): string => `${networkKey(solutionId, share.name)}/${padId(share.subnetIndex)}`;

/** First two octets of a private /16 (RFC 1918), or undefined. */
export function networkPrefix(cidr: string): string | undefined {
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.0\.0\/16$/.exec(cidr);
  if (match === null) return undefined;
  const [a, b] = [Number(match[1]), Number(match[2])];
  if (b > 255) return undefined;
  const isPrivate = a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168);
  return isPrivate ? `${a}.${b}` : undefined;
}

/** Names must differ within one contract, and the range must be a private /16. @throws GridError contracts.bad_network */
export function checkShares(shares: readonly Share[]): void {
  const names = new Set<string>();
  for (const { name, cidr } of shares) {
    const details = { network: name, cidr };
    if (names.has(name)) {
      throw runtimeErrors.fail("contracts.bad_network", { message: `Network ${name} is listed twice.`, details });
    }
    names.add(name);
    if (networkPrefix(cidr) === undefined) {
      throw runtimeErrors.fail("contracts.bad_network", {
        message: `Network ${name}: ${cidr} is not a private range A.B.0.0/16.`,
        details,
      });
    }
  }
}

/** @throws GridError contracts.network_conflict */
export function claimShares(state: StateWriter, owner: Owner, shares: readonly Share[]): void {
  for (const share of shares) {
    const network = networks.get(state, networkKey(owner.solutionId, share.name));
    if (network !== undefined && network.cidr !== share.cidr) {
      throw conflict(share, `Network ${share.name} is ${network.cidr} in the other parts of the solution, not ${share.cidr}.`);
    }
    const subnet = subnets.get(state, subnetKey(owner.solutionId, share));
    if (subnet !== undefined && subnet.nodeId !== owner.nodeId) {
      throw conflict(share, `Subnet ${share.subnetIndex} of network ${share.name} is on node ${subnet.nodeId}.`);
    }
    networks.put(state, networkKey(owner.solutionId, share.name), { cidr: share.cidr, shares: (network?.shares ?? 0) + 1 });
    subnets.put(state, subnetKey(owner.solutionId, share), { nodeId: owner.nodeId, parts: (subnet?.parts ?? 0) + 1 });
  }
}

export function releaseShares(state: StateWriter, owner: Owner, shares: readonly Share[]): void {
  for (const share of shares) {
    const key = networkKey(owner.solutionId, share.name);
    const network = networks.get(state, key);
    const subnet = subnets.get(state, subnetKey(owner.solutionId, share));
    if (network === undefined || subnet === undefined) throw new Error(`network ${share.name} was never claimed`);
    if (network.shares === 1) networks.delete(state, key);
    else networks.put(state, key, { ...network, shares: network.shares - 1 });
    if (subnet.parts === 1) subnets.delete(state, subnetKey(owner.solutionId, share));
    else subnets.put(state, subnetKey(owner.solutionId, share), { ...subnet, parts: subnet.parts - 1 });
  }
}

/** The range of a network that active parts serve. */
export function networkCidr(state: StateReader, solutionId: SolutionId, name: string): string | undefined {
  return networks.get(state, networkKey(solutionId, name))?.cidr;
}

function conflict(share: Share, message: string): ReturnType<typeof runtimeErrors.fail> {
  const details = { network: share.name, cidr: share.cidr, subnetIndex: share.subnetIndex };
  return runtimeErrors.fail("contracts.network_conflict", { message, details });
}
