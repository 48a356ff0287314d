/** What the ledger's benches share: its genesis, its nodes, and senders that sign with numbers of their own. */
import { type KeyPair, bytesToHex, encode } from "@tfgrid/primitives";
import { type Call, chain, runtime, testing } from "@tfgrid/tfchain";

export const CHAIN_ID = "bench";
/** Contracts fit whatever their number, and deposits last. */
const RICH_UNITS = 10n ** 13n;
/** No bench lasts for so many blocks. */
const NEVER_EXPIRES = 100_000_000 as never;
const JOIN_TOKEN_MS = 3_600_000;

export interface Sender {
  readonly key: KeyPair;
  /** Number of the next transaction. */
  nonce: number;
}

export const sender = (name: string): Sender => ({ key: testing.testKey(name), nonce: 0 });

/** Uses up one number of the sender. */
export function signTx(by: Sender, calls: readonly Call[]): Uint8Array {
  const body = { chainId: CHAIN_ID, signer: by.key.account, nonce: by.nonce, expiresAtHeight: NEVER_EXPIRES, calls };
  by.nonce += 1;
  return encode(chain.signedTransaction, { body, signature: by.key.sign("tfgrid/tx/v1", encode(chain.transactionBody, body)) });
}

export function benchGenesis(senders: readonly Sender[], more: Partial<runtime.GenesisOptions> = {}): runtime.Genesis {
  return runtime.defaultGenesis({
    chainId: CHAIN_ID,
    preset: "main",
    foundation: testing.testKey("foundation").account,
    validatorsPool: testing.testKey("validators").account,
    accounts: senders.map(({ key }) => ({ id: key.account, freeUnits: RICH_UNITS })),
    ...more,
  });
}

export const createTwin = ({ key }: Sender): Call => ({ type: "twins.create", relays: [], encryptionKey: key.encryptionKey });
export const createFarm: Call = { type: "farms.create", name: "farm", dedicated: false };

/** A node of the largest size on farm 1, which is the farmer's. */
export function registerNode(farmer: Sender, nowMs: number): Call {
  const token = { chainId: CHAIN_ID, farmId: 1 as never, expiresAtMs: nowMs + JOIN_TOKEN_MS };
  return {
    type: "nodes.register",
    joinToken: { ...token, signature: farmer.key.sign("tfgrid/join-token/v1", encode(chain.joinTokenBody, token)) },
    total: { cpuMilli: 4_096_000, memoryBytes: 2 ** 50, ssdBytes: 2 ** 50, hddBytes: 0 },
    location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
    interfaces: [],
    meshKey: bytesToHex(new Uint8Array(32).fill(7)),
    meshEndpoints: [],
    isolation: ["container"],
    softwareVersion: "0.1.0",
  };
}

export const heartbeat = (nodeId: number): Call => ({ type: "nodes.heartbeat", nodeId: nodeId as never, uptimeSec: 1 });
/** Of a contract of a bench: many fit on one node. */
export const SMALL = { cpuMilli: 10, memoryBytes: 2 ** 24, ssdBytes: 2 ** 24, hddBytes: 0 } as const;
