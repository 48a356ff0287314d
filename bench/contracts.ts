/** The load of the benches that measure transactions: many senders that each create contracts, signed beforehand. */
import { cidOf, utf8 } from "@tfgrid/primitives";
import { type Call, type ChainClient, testing } from "@tfgrid/tfchain";
import { type Sender, SMALL, createFarm, createTwin, heartbeat, registerNode, sender, signTx } from "./ledger.ts";

export const farmer = sender("farmer");
export const sendersOf = (count: number): readonly Sender[] => Array.from({ length: count }, (_, index) => sender(`bench ${index}`));

/** A farm with one node of the largest size, and a twin for each sender. Answers the call of the load. */
export async function prepareLedger(client: ChainClient, senders: readonly Sender[]): Promise<Call> {
  await client.submit(farmer.key, [createTwin(farmer), createFarm]);
  const node = testing.testKey("node");
  await client.submit(node, [{ type: "twins.create", relays: [], encryptionKey: node.encryptionKey }, registerNode(farmer, Date.now())]);
  await client.submit(node, [heartbeat(1)]);
  await Promise.all(senders.map((one) => client.submit(one.key, [createTwin(one)])));
  const depositUnits = 10_000_000n;
  return { type: "contracts.create_node", nodeId: 1 as never, solutionId: null, instruction: cidOf(utf8("x")), resources: SMALL, publicIps: 0, networks: [], depositUnits };
}

/** Senders take turns; each has used number 0 for its twin. */
export function signAll(call: Call, senders: readonly Sender[], count: number): Uint8Array[] {
  const fresh = senders.map(({ key }): Sender => ({ key, nonce: 1 }));
  return Array.from({ length: count }, (_, index) => signTx(fresh[index % fresh.length] as Sender, [call]));
}
