/** Finds this node on the ledger or joins it with the farmer's token; brings its profile up to date. Idempotent. */
import { encode, equalBytes, type FarmId, type NodeId, s, type TwinId } from "@tfgrid/primitives";
import { type Call, chain, type JoinToken, type Node, type Twin } from "@tfgrid/tfchain";
import type { World } from "../agent/ports.ts";
import { nodeErrors } from "../errors.ts";

const profile = s.struct(chain.nodeProfile);
export type NodeProfile = Parameters<typeof profile.toCbor>[0];

export interface Registration {
  readonly nodeId: NodeId;
  readonly twinId: TwinId;
  readonly farmId: FarmId;
}

export interface RegisterOptions {
  readonly world: Pick<World, "chain" | "identity" | "logger" | "chainId">;
  readonly joinToken: JoinToken;
  readonly relays: readonly string[];
  readonly profile: NodeProfile;
  readonly signal: AbortSignal;
}

/** One attempt. @throws GridError node.wrong_chain, node.wrong_farm or the ledger's own */
export async function register(options: RegisterOptions): Promise<Registration> {
  const { world, signal } = options;
  const head = await world.chain.head();
  if (head.chainId !== world.chainId) {
    throw nodeErrors.fail("node.wrong_chain", { details: { expected: world.chainId, found: head.chainId } });
  }
  const before = await find(world);
  const calls = neededCalls(options, before);
  if (calls.length > 0) {
    await world.chain.submit(world.identity.keys, calls, { signal });
    world.logger.info("registered on the ledger", { calls: calls.map(({ type }) => type) });
  }
  const after = calls.length > 0 ? await find(world) : before;
  if (after.twin === undefined || after.node === undefined) throw nodeErrors.fail("node.registration_failed");
  return { nodeId: after.node.id, twinId: after.twin.id, farmId: after.node.farmId };
}

interface Found {
  readonly twin: Twin | undefined;
  readonly node: Node | undefined;
}

/** By its key alone: nothing that a crash between two steps could have kept from being written down. */
async function find({ chain: ledger, identity }: RegisterOptions["world"]): Promise<Found> {
  const twin = await ledger.proven.twinByAccount(identity.keys.account);
  return { twin, node: twin === undefined ? undefined : await ledger.proven.nodeByTwin(twin.id) };
}

function neededCalls(options: RegisterOptions, { twin, node }: Found): Call[] {
  const { joinToken, relays, world } = options;
  const { encryptionKey } = world.identity.keys;
  const calls: Call[] = [];
  if (twin === undefined) calls.push({ type: "twins.create", relays, encryptionKey });
  else if (twin.encryptionKey !== encryptionKey || twin.relays.join("\n") !== relays.join("\n")) {
    calls.push({ type: "twins.update", relays, encryptionKey });
  }
  if (node === undefined) calls.push({ type: "nodes.register", joinToken, ...options.profile });
  else {
    if (node.farmId !== joinToken.farmId) {
      throw nodeErrors.fail("node.wrong_farm", { details: { farmId: node.farmId, tokenFarmId: joinToken.farmId } });
    }
    if (!sameProfile(node, options.profile)) calls.push({ type: "nodes.update", nodeId: node.id, ...options.profile });
  }
  return calls;
}

export function sameProfile(node: Node, wanted: NodeProfile): boolean {
  const fields = Object.keys(chain.nodeProfile) as (keyof NodeProfile)[];
  const current = Object.fromEntries(fields.filter((field) => node[field] !== undefined).map((field) => [field, node[field]]));
  return equalBytes(encode(profile, current as NodeProfile), encode(profile, wanted));
}
