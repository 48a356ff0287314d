/** The load of the ledger's benches: transactions of many senders that each create one contract, signed beforehand. */
import { createPrivateKey, sign } from "node:crypto";
import { bytesToHex, cidOf, domainBytes, encode, utf8 } from "@tfgrid/primitives";
import { type Call, type ChainClient, chain, runtime, testing } from "@tfgrid/tfchain";

export const CHAIN_ID = "bench";
/** Contracts fit whatever their number, and deposits last. */
const RICH_UNITS = 10n ** 14n;
/** PKCS #8 around an Ed25519 seed. */
const DER_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");

export const senderNames = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `bench ${index}`);

export function benchGenesis(names: readonly string[], more: Partial<runtime.GenesisOptions> = {}): runtime.Genesis {
  return runtime.defaultGenesis({
    chainId: CHAIN_ID,
    preset: "main",
    foundation: testing.testKey("foundation").account,
    validatorsPool: testing.testKey("validators").account,
    accounts: ["farmer", ...names].map((name) => ({ id: testing.testKey(name).account, freeUnits: RICH_UNITS })),
    ...more,
  });
}

const twinCall = (name: string): Call => ({ type: "twins.create", relays: [], encryptionKey: testing.testKey(name).encryptionKey });

/** A farm with one node of the largest size, and a twin for each sender. Answers the call of the load. */
export async function prepareLedger(client: ChainClient, names: readonly string[]): Promise<Call> {
  const farmer = testing.testKey("farmer");
  await client.submit(farmer, [twinCall("farmer"), { type: "farms.create", name: "farm", dedicated: false }]);
  const token = { chainId: CHAIN_ID, farmId: 1 as never, expiresAtMs: Date.now() + 3_600_000 };
  const joinToken = { ...token, signature: farmer.sign("tfgrid/join-token/v1", encode(chain.joinTokenBody, token)) };
  const profile = {
    total: { cpuMilli: 4_096_000, memoryBytes: 2 ** 50, ssdBytes: 2 ** 50, hddBytes: 0 },
    location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
    interfaces: [],
    meshKey: bytesToHex(new Uint8Array(32).fill(7)),
    meshEndpoints: [],
    isolation: ["container" as const],
    softwareVersion: "0.1.0",
  };
  const node = testing.testKey("node");
  await client.submit(node, [twinCall("node"), { type: "nodes.register", joinToken, ...profile }]);
  await client.submit(node, [{ type: "nodes.heartbeat", nodeId: 1 as never, uptimeSec: 1 }]);
  await Promise.all(names.map((name) => client.submit(testing.testKey(name), [twinCall(name)])));
  const resources = { cpuMilli: 10, memoryBytes: 2 ** 24, ssdBytes: 2 ** 24, hddBytes: 0 };
  const depositUnits = 10_000_000n;
  return { type: "contracts.create_node", nodeId: 1 as never, solutionId: null, instruction: cidOf(utf8("x")), resources, publicIps: 0, networks: [], depositUnits };
}

/** Senders take turns; each has used number 0 already. */
export function signAll(call: Call, names: readonly string[], count: number): Uint8Array[] {
  const keys = names.map((name) => {
    const { account, secretSeed } = testing.testKey(name);
    return { account, secret: createPrivateKey({ key: Buffer.concat([DER_HEAD, secretSeed]), format: "der", type: "pkcs8" }) };
  });
  return Array.from({ length: count }, (_, index) => {
    const { account, secret } = keys[index % keys.length] as (typeof keys)[number];
    const nonce = 1 + Math.floor(index / keys.length);
    const body = { chainId: CHAIN_ID, signer: account, nonce, expiresAtHeight: 1_000_000 as never, calls: [call] };
    const signature = bytesToHex(sign(null, domainBytes("tfgrid/tx/v1", encode(chain.transactionBody, body)), secret));
    return encode(chain.signedTransaction, { body, signature });
  });
}
