/** A ledger in memory: enough state to index, and an event stream that resumes by height. */
import type { AccountId, CidText, ContractId, FarmId, Height, Hex, NodeId, SolutionId, TwinId } from "@tfgrid/primitives";
import type { ChainClient, ChainEvent, Contract, EventBlock, Farm, Head, NameContract, Node, NodeContract, Solution, Twin } from "@tfgrid/tfchain";

export const CID = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy" as CidText;
export const KEY = "ab".repeat(32);

export const twinOf = (id: number): Twin => ({
  id: id as TwinId,
  account: String(id).padStart(64, "0") as AccountId,
  relays: [`/dns4/relay${id}/tcp/1`],
  encryptionKey: KEY as Hex,
  createdAtMs: 1_700_000_000_000,
});
export const farmOf = (id: number, change: Partial<Farm> = {}): Farm => ({
  id: id as FarmId,
  twinId: 1 as TwinId,
  name: `farm-${id}`,
  dedicated: false,
  certification: "not_certified",
  publicIps: [{ ip: `192.0.2.${id}/24`, gateway: "192.0.2.254", contractId: null }],
  createdAtMs: 1_700_000_000_000,
  ...change,
});
export const nodeOf = (id: number, change: Partial<Node> = {}): Node => ({
  id: id as NodeId,
  farmId: 1 as FarmId,
  twinId: (10 + id) as TwinId,
  total: { cpuMilli: 8_000, memoryBytes: 16 * 2 ** 30, ssdBytes: 100 * 2 ** 30, hddBytes: 0 },
  reserved: { cpuMilli: 1_500, memoryBytes: 2 ** 30, ssdBytes: 2 ** 30, hddBytes: 0 },
  location: { country: "Belgium", city: "Ghent", latitudeMicro: 51_050_000, longitudeMicro: 3_720_000 },
  interfaces: [],
  meshKey: KEY as Hex,
  meshEndpoints: [],
  isolation: ["container"],
  softwareVersion: "0.1.0",
  certification: "diy",
  maintenance: { mode: "none", sinceMs: 0, noticeUntilMs: 0 },
  up: true,
  lastHeartbeatMs: 1_700_000_100_000,
  upChangedMs: 1_700_000_000_000,
  uptimeSec: 1_000,
  createdAtMs: 1_700_000_000_000,
  ...change,
});
const contractBase = {
  twinId: 1 as TwinId,
  state: "created",
  createdAtMs: 1_700_000_000_000,
  deletedAtMs: null,
  deletedCause: null,
  costPerHourUnits: 1_000n,
  billedUnits: 0n,
  settledAtMs: 1_700_000_000_000,
  escrowUnits: 0n,
} as const;
export const partOf = (id: number, nodeId: number, change: Partial<NodeContract> = {}): NodeContract => ({
  type: "node",
  ...contractBase,
  id: id as ContractId,
  solutionId: 1 as SolutionId,
  nodeId: nodeId as NodeId,
  version: 1,
  instruction: CID,
  resources: { cpuMilli: 500, memoryBytes: 2 ** 28, ssdBytes: 2 ** 28, hddBytes: 0 },
  publicIps: 0,
  networks: [],
  report: null,
  reportedAtMs: 0,
  ...change,
});
export const nameOf = (id: number, name: string, nodeId: number): NameContract => ({
  type: "name",
  ...contractBase,
  id: id as ContractId,
  solutionId: 1 as SolutionId,
  name,
  gatewayNodeId: nodeId as NodeId,
});
export const solutionOf = (id: number, change: Partial<Solution> = {}): Solution => ({
  id: id as SolutionId,
  name: "guestbook",
  twinId: 1 as TwinId,
  agentTwinId: 2 as TwinId,
  signers: [{ twinId: 1 as TwinId, weight: 1 }],
  thresholds: { provision: 1, amend: 1, delete: 1 },
  version: 1,
  document: CID,
  pending: null,
  budgetPerHourUnits: 10_000n,
  escrowUnits: 100_000n,
  state: "running",
  note: null,
  parts: [],
  members: [],
  createdAtMs: 1_700_000_000_000,
  ...change,
});
type ZmachineState = NonNullable<NodeContract["report"]>["zmachines"][number]["state"];
export const reportOf = (
  name: string,
  state: ZmachineState,
  change: Partial<NonNullable<NodeContract["report"]>> = {},
): NodeContract["report"] => ({
  version: 1,
  state: "running",
  networks: [],
  zmachines: [{ name, service: "web", state, startedAtMs: 1, restarts: 0, addresses: [], aliases: [] }],
  routes: [],
  ...change,
});

export interface FakeChain {
  readonly client: ChainClient;
  readonly twins: Map<number, Twin>;
  readonly farms: Map<number, Farm>;
  readonly nodes: Map<number, Node>;
  readonly contracts: Map<number, Contract>;
  readonly solutions: Map<number, Solution>;
  chainId: string;
  /** Adds one block; answers its height. */
  commit(events: readonly ChainEvent[]): number;
  /** Breaks every stream that is open, as a server that ends does. */
  breakStreams(): void;
  reset(chainId: string): void;
}

export function createFakeChain(): FakeChain {
  let blocks: EventBlock[] = [];
  const wakers = new Set<() => void>();
  let generation = 0;
  const wake = (): void => {
    for (const waker of wakers) waker();
  };
  const byId = <T extends { readonly id: number }>(
    map: Map<number, T>,
    page: { readonly after?: number; readonly limit?: number } = {},
  ): T[] =>
    [...map.values()]
      .sort((a, b) => a.id - b.id)
      .filter(({ id }) => id > (page.after ?? 0))
      .slice(0, Math.min(page.limit ?? 1000, 1000));
  const head = (): Head => ({
    chainId: fake.chainId,
    height: (blocks.at(-1)?.height ?? 0) as Height,
    timeMs: blocks.at(-1)?.timeMs ?? 0,
    appHash: KEY as Hex,
    blockHash: KEY as Hex,
  });
  async function* follow({ from, signal }: { readonly from?: number; readonly signal: AbortSignal }): AsyncGenerator<EventBlock> {
    const mine = generation;
    let next = from ?? head().height + 1;
    while (!signal.aborted) {
      if (mine !== generation) throw new Error("the connection was cut");
      const block = blocks.find(({ height }) => height >= next);
      if (block !== undefined) {
        next = block.height + 1;
        yield block;
        continue;
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          wakers.delete(done);
          signal.removeEventListener("abort", done);
          resolve();
        };
        wakers.add(done);
        signal.addEventListener("abort", done, { once: true });
      });
    }
  }
  const client = {
    head: async () => head(),
    pricing: async () => ({
      cuMicroUsdPerHour: 30_560,
      suMicroUsdPerHour: 19_440,
      nuMicroUsdPerGb: 50_000,
      ipv4MicroUsdPerHour: 6_940,
      nameMicroUsdPerHour: 6_940,
      certifiedPercent: 25,
      tftPriceMicroUsd: 10_000,
    }),
    twin: async (id: number) => fake.twins.get(id),
    farm: async (id: number) => fake.farms.get(id),
    node: async (id: number) => fake.nodes.get(id),
    contract: async (id: number) => fake.contracts.get(id),
    solution: async (id: number) => fake.solutions.get(id),
    twins: async (page) => byId(fake.twins, page),
    farms: async (page) => byId(fake.farms, page),
    nodes: async (page) => byId(fake.nodes, page),
    contracts: async (page) => byId(fake.contracts, page),
    solutions: async (page) => byId(fake.solutions, page),
    follow,
    close: async () => undefined,
  } as Partial<ChainClient> as ChainClient;
  const fake: FakeChain = {
    client,
    chainId: "test-1",
    twins: new Map(),
    farms: new Map(),
    nodes: new Map(),
    contracts: new Map(),
    solutions: new Map(),
    commit: (events) => {
      const height = (blocks.at(-1)?.height ?? 0) + 1;
      blocks.push({ height: height as Height, timeMs: 1_700_000_000_000 + height * 1000, events });
      wake();
      return height;
    },
    breakStreams: () => {
      generation += 1;
      wake();
    },
    reset: (chainId) => {
      fake.chainId = chainId;
      blocks = [];
      for (const map of [fake.twins, fake.farms, fake.nodes, fake.contracts, fake.solutions]) map.clear();
      generation += 1;
      wake();
    },
  };
  return fake;
}
