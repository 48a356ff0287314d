/** Devices of users in a solution's private networks: index 0 of the /16 is theirs, addresses 2 to 254. */
import { runtimeErrors } from "../../errors.ts";
import { LIMITS, type Solution } from "../../types/entities.ts";
import type { CallContext, CallOf } from "../context.ts";
import { networkCidr, networkPrefix } from "../contracts/networks.ts";
import { actingTwin } from "../twins/store.ts";
import { requireSigner } from "./change.ts";
import { requireSolution, solutions } from "./store.ts";

const FIRST_HOST = 2;
const LAST_HOST = 254;

export function addMember(context: CallContext, call: CallOf<"solutions.add_member">): void {
  const { state, emit } = context;
  const { solutionId, name, network, publicKey } = call;
  const solution = requireSolution(state, solutionId);
  const twinId = requireSigner(context, solution);
  const cidr = networkCidr(state, solutionId, network);
  const prefix = cidr === undefined ? undefined : networkPrefix(cidr);
  if (prefix === undefined) {
    throw runtimeErrors.fail("solutions.network_unknown", {
      message: `No running part of solution ${solutionId} has the network ${network}.`,
      details: { solutionId, network },
    });
  }
  const clash = solution.members.find((member) => member.name === name || (member.network === network && member.publicKey === publicKey));
  if (clash !== undefined) throw runtimeErrors.fail("solutions.member_exists", { details: { solutionId, name: clash.name, ip: clash.ip } });
  const ip = solution.members.length >= LIMITS.membersPerSolution ? undefined : freeAddress(solution, network, prefix);
  if (ip === undefined) {
    throw runtimeErrors.fail("solutions.too_many_members", { details: { solutionId, max: LIMITS.membersPerSolution } });
  }
  const members = [...solution.members, { name, twinId, network, publicKey, ip }];
  solutions.put(state, solutionId, { ...solution, members });
  emit({ type: "solutions.member", solutionId, name, joined: true });
}

/** By the twin that added the device, or by a signer. */
export function removeMember(context: CallContext, { solutionId, name }: CallOf<"solutions.remove_member">): void {
  const { state, emit } = context;
  const solution = requireSolution(state, solutionId);
  const member = solution.members.find((row) => row.name === name);
  if (member === undefined) throw runtimeErrors.fail("solutions.member_not_found", { details: { solutionId, name } });
  if (member.twinId !== actingTwin(context).id) requireSigner(context, solution);
  solutions.put(state, solutionId, { ...solution, members: solution.members.filter((row) => row !== member) });
  emit({ type: "solutions.member", solutionId, name, joined: false });
}

function freeAddress(solution: Solution, network: string, prefix: string): string | undefined {
  const taken = new Set(solution.members.filter((member) => member.network === network).map((member) => member.ip));
  for (let host = FIRST_HOST; host <= LAST_HOST; host += 1) {
    const ip = `${prefix}.0.${host}`;
    if (!taken.has(ip)) return ip;
  }
  return undefined;
}
