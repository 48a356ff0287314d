/** The people of a local grid on the ledger: user, farmer with a farm, and the agent (a bot). */
import type { FarmId, KeyPair, TwinId } from "@tfgrid/primitives";
import type { ChainClient } from "@tfgrid/tfchain";
import type { GridKeys } from "./keys.ts";

export const FARM_NAME = "home";

export interface PeopleOptions {
  readonly chain: ChainClient;
  readonly keys: GridKeys;
  readonly relays: readonly string[];
}

export async function registerPeople(options: PeopleOptions): Promise<{ readonly userTwinId: TwinId; readonly agentTwinId: TwinId; readonly farmId: FarmId }> {
  const { keys } = options;
  const [userTwinId, agentTwinId, farmerTwinId] = await Promise.all([ensureTwin(options, keys.user), ensureTwin(options, keys.agent), ensureTwin(options, keys.farmer)]);
  return { userTwinId, agentTwinId, farmId: await ensureFarm(options, farmerTwinId) };
}

async function ensureTwin({ chain, relays }: PeopleOptions, keyPair: KeyPair): Promise<TwinId> {
  const twin = await chain.twinByAccount(keyPair.account);
  const wanted = { relays, encryptionKey: keyPair.encryptionKey };
  if (twin !== undefined) {
    if (twin.relays.join() !== relays.join()) await chain.submit(keyPair, [{ type: "twins.update", ...wanted }]);
    return twin.id;
  }
  const receipt = await chain.submit(keyPair, [{ type: "twins.create", ...wanted }]);
  const created = receipt.events.find((event) => event.type === "twins.created");
  if (created?.type !== "twins.created") throw new Error("twins.create emitted no twins.created");
  return created.twinId;
}

async function ensureFarm({ chain, keys }: PeopleOptions, farmerTwinId: TwinId): Promise<FarmId> {
  const farm = await chain.farmByName(FARM_NAME);
  if (farm !== undefined && farm.twinId === farmerTwinId) return farm.id;
  const receipt = await chain.submit(keys.farmer, [{ type: "farms.create", name: FARM_NAME, dedicated: false }]);
  const created = receipt.events.find((event) => event.type === "farms.created");
  if (created?.type !== "farms.created") throw new Error("farms.create emitted no farms.created");
  return created.farmId;
}
