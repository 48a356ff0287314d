/** A chain, a messaging network and links with delays, in memory: the control plane runs over them unchanged. */
import { x25519 } from "@noble/curves/ed25519.js";
import {
  bytesToHex,
  type ContractId,
  type Hex,
  keyPairFromSeed,
  type KeyPair,
  type NodeId,
  sha256,
  silentLogger,
  type SolutionId,
  type TwinId,
  utf8,
} from "@tfgrid/primitives";
import type { IncomingRequest } from "@tfgrid/messaging";
import type { Contract, Node, Solution, Twin } from "@tfgrid/tfchain";
import { meshPorts } from "../../src/linux/names.ts";
import { createPeerNetwork, type PeerNetwork } from "../../src/network/create.ts";
import { type NetworkMemory, networkMemory } from "../../src/network/memory.ts";
import type { PeerMessenger } from "../../src/network/messages.ts";
import type { NetworkChain } from "../../src/network/view.ts";
import type { ProbeSocket } from "../../src/prober/prober.ts";
import { type SimulatedNetwork, simulatedNetwork } from "../../src/simulated.ts";
import { virtualTime, type VirtualTime } from "./virtual-time.ts";

export const SOLUTION = 7 as SolutionId;
export const RANGE = { first: 50_000, last: 50_099 };
export const nodeIdOf = (index: number): NodeId => (index + 1) as NodeId;

export interface FakeNode {
  readonly id: NodeId;
  readonly twinId: TwinId;
  readonly keys: KeyPair;
  readonly meshPrivateKey: Uint8Array;
  readonly meshKey: Hex;
  readonly address: string;
}

export function fakeNode(index: number, address = `192.0.2.${index + 1}`): FakeNode {
  const keys = keyPairFromSeed(sha256(utf8(`node ${index}`)));
  const meshPrivateKey = keys.derive("mesh");
  return {
    id: nodeIdOf(index),
    twinId: (100 + index) as TwinId,
    keys,
    meshPrivateKey,
    meshKey: bytesToHex(x25519.getPublicKey(meshPrivateKey)),
    address,
  };
}

/** `members`: which nodes have a contract of the solution. Only the fields that this room reads are filled with sense. */
export function fakeChain(options: {
  readonly nodes: readonly FakeNode[];
  readonly members: readonly NodeId[];
  readonly portOf: (node: NodeId) => number;
  readonly probePort: number;
  readonly solutionMembers?: Solution["members"];
}): NetworkChain {
  const chainNode = (node: FakeNode): Node =>
    ({ id: node.id, twinId: node.twinId, meshKey: node.meshKey, meshEndpoints: [{ address: node.address, port: options.probePort }], up: true }) as unknown as Node;
  const contract = (id: NodeId): Contract =>
    ({
      type: "node",
      id: (1000 + id) as ContractId,
      nodeId: id,
      networks: [{ name: "net", cidr: "10.64.0.0/16", subnetIndex: id }],
      report: {
        networks: [{ name: "net", port: options.portOf(id) }],
        zmachines: [{ name: `web-${id}`, service: "web", state: "healthy", aliases: ["www"], addresses: [{ network: "net", ip: `10.64.${id}.10` }] }],
      },
    }) as unknown as Contract;
  const byTwin = new Map(options.nodes.map((node) => [node.twinId, node]));
  return {
    nodes: async (page) => options.nodes.filter((node) => node.id > (page?.after ?? 0)).map(chainNode),
    node: async (id) => options.nodes.filter((node) => node.id === id).map(chainNode)[0],
    twin: async (id) => ({ id, account: byTwin.get(id)?.keys.account }) as unknown as Twin,
    solution: async (id) => (id === SOLUTION ? ({ id, members: options.solutionMembers ?? [] } as unknown as Solution) : undefined),
    contracts: async (page) => (page?.solutionId === SOLUTION ? options.members.map(contract) : []),
  };
}

const CHAIN_ANSWER_MS = 20;

/** As over a wire: what was true when it was asked may have changed when the answer comes. */
function answeredLate(chain: NetworkChain, wait: () => Promise<void>): NetworkChain {
  const late =
    <A extends unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const answer = await ask(...args);
      await wait();
      return answer;
    };
  return { nodes: late(chain.nodes), node: late(chain.node), twin: late(chain.twin), solution: late(chain.solution), contracts: late(chain.contracts) };
}

type Handler = (request: IncomingRequest<unknown>) => Promise<unknown>;

/** Every body and answer passes through its schema, as on the wire. */
export function fakeMessaging(deliver: <T>(action: () => Promise<T>) => Promise<T>): (twinId: TwinId, keys: KeyPair) => PeerMessenger {
  const handlers = new Map<string, Handler>();
  return (twinId, keys) => ({
    handle: (method, handler) => {
      handlers.set(`${twinId} ${method.name}`, handler as Handler);
      return () => handlers.delete(`${twinId} ${method.name}`);
    },
    request: ({ to, method, body }) =>
      deliver(async () => {
        const handler = handlers.get(`${to} ${method.name}`);
        if (handler === undefined) throw new Error("unreachable");
        const sent = method.request.fromCbor(method.request.toCbor(body));
        const answer = await handler({ from: twinId, account: keys.account, body: sent, signal: new AbortController().signal });
        return method.answer.fromCbor(method.answer.toCbor(answer as never));
      }),
  });
}

export interface FakeGrid {
  readonly time: VirtualTime;
  readonly nodes: readonly FakeNode[];
  readonly networks: readonly PeerNetwork[];
  readonly drivers: readonly SimulatedNetwork[];
  /** Round trip in ms; undefined = no link. */
  setLink(a: number, b: number, rttMs: number | undefined): void;
  /** Ends a node's agent; what its driver holds goes on, as a kernel does. */
  kill(index: number): Promise<void>;
  /** A new agent on the machine of one that was killed. */
  revive(index: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startFakeGrid(options: { readonly count: number; readonly members: readonly number[]; readonly random: () => number }): Promise<FakeGrid> {
  const { count, members, random } = options;
  const time = virtualTime();
  const nodes = Array.from({ length: count }, (_, index) => fakeNode(index));
  const links = new Map<string, number>();
  const linkId = (a: number, b: number): string => [a, b].toSorted((x, y) => x - y).join("-");
  const ports = meshPorts(RANGE);
  const chain = answeredLate(
    fakeChain({
      nodes,
      members: members.map(nodeIdOf),
      portOf: () => ports.znets.first,
      probePort: ports.probe,
    }),
    () => time.clock.sleep(CHAIN_ANSWER_MS),
  );
  const messengerOf = fakeMessaging(async (action) => {
    await time.clock.sleep(5);
    const result = await action();
    await time.clock.sleep(5);
    return result;
  });
  const listeners = new Map<string, (packet: Uint8Array, from: { address: string; port: number }) => void>();
  const socketOf = (index: number): ProbeSocket => ({
    onMessage: (listener) => listeners.set((nodes[index] as FakeNode).address, listener),
    send: (packet, to) => {
      const target = nodes.findIndex((node) => node.address === to.address);
      const rttMs = links.get(linkId(index, target));
      if (rttMs === undefined) return;
      const from = { address: (nodes[index] as FakeNode).address, port: ports.probe };
      time.at(rttMs / 2, () => listeners.get(to.address)?.(packet, from));
    },
    close: () => listeners.delete((nodes[index] as FakeNode).address),
  });
  const drivers = nodes.map(() => simulatedNetwork({ portRange: RANGE }));
  const entropy = { randomBytes: (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256)) };
  const saved = new Map<number, NetworkMemory>();
  const start = (node: FakeNode, index: number): PeerNetwork =>
    createPeerNetwork({
      memory: {
        remembered: saved.get(index),
        // As the file does it: through its encoding.
        store: { load: async () => saved.get(index), save: async (memory) => void saved.set(index, networkMemory.fromJson(networkMemory.toJson(memory))) },
      },
      nodeId: node.id,
      pair: node.keys,
      meshPrivateKey: node.meshPrivateKey,
      driver: drivers[index] as SimulatedNetwork,
      chain,
      messenger: messengerOf(node.twinId, node.keys),
      socket: socketOf(index),
      ports,
      clock: time.clock,
      nowUs: () => time.clock.nowMs() * 1000,
      entropy,
      logger: silentLogger,
    });
  const networks = nodes.map(start);
  const znetOf = (index: number) => ({ key: "s7-net", cidr: "10.64.0.0/16", subnetIndex: nodeIdOf(index) });
  const serve = (index: number): void => networks[index]?.setZnets([{ ...znetOf(index), solutionId: SOLUTION, name: "net", local: [] }]);
  for (const index of members) {
    const znet = znetOf(index);
    await drivers[index]?.ensureZnet({ ...znet, internal: false, privateKey: bytesToHex((nodes[index] as FakeNode).meshPrivateKey) });
    serve(index);
  }
  return {
    time,
    nodes,
    networks,
    drivers,
    setLink: (a, b, rttMs) => {
      if (rttMs === undefined) links.delete(linkId(a, b));
      else links.set(linkId(a, b), rttMs);
    },
    kill: async (index) => {
      const stopped = networks[index]?.stop();
      await time.advance(1);
      await stopped;
    },
    revive: async (index) => {
      networks[index] = start(nodes[index] as FakeNode, index);
      // The instructions are read from disk while the network asks the chain for the first time.
      if (members.includes(index)) time.at(CHAIN_ANSWER_MS / 2, () => serve(index));
    },
    stop: async () => {
      const stopped = Promise.all(networks.map((network) => network.stop()));
      await time.advance(5_000);
      await stopped;
    },
  };
}
