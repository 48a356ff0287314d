/** A ledger and a notary in memory, with outages. Enforces what the agent relies on; the real ones have tests of their own. */
import { documents, type Instruction, type NotaryClient, type StoredDocument } from "@tfgrid/notary";
import {
  type CidText,
  cidOf,
  concatBytes,
  type ContractId,
  encode,
  type Height,
  type KeyPair,
  type NodeId,
  sha256,
  type SolutionId,
  type TwinId,
} from "@tfgrid/primitives";
import type { Call, ChainEvent, Contract, EventBlock, Head, Node, NodeContract, Params, Solution, Twin } from "@tfgrid/tfchain";
import { GridError } from "@tfgrid/primitives";
import type { AgentChain } from "../../src/agent/ports.ts";
import type { VirtualClock } from "./virtual-clock.ts";

export const CHAIN_ID = "simulated-1";
const ZERO32 = "00".repeat(32) as Twin["encryptionKey"];

type Power = NonNullable<Node["power"]>;

export class SimChain {
  readonly clock: VirtualClock;
  readonly twins = new Map<number, Twin>();
  readonly nodes = new Map<number, Node>();
  readonly contracts = new Map<number, Contract>();
  readonly solutions = new Map<number, Solution>();
  readonly documents = new Map<string, StoredDocument>();
  readonly submitted: Call[] = [];
  height = 1;
  down = false;
  notaryDown = false;
  params: Params = {
    feeBaseUnits: 0n,
    feePerByteUnits: 0n,
    heartbeatIntervalMs: 5_000,
    settlementIntervalMs: 60_000,
    graceMs: 60_000,
    reportsPerMinute: 600,
    maxTxBytes: 1_000_000,
    maxCallsPerTx: 64,
  };
  #followers = new Set<(block: EventBlock | undefined) => void>();
  #lastId = 0;

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  block(events: readonly ChainEvent[]): void {
    this.height += 1;
    const block = { height: this.height as Height, timeMs: this.clock.nowMs(), events };
    if (!this.down) for (const follower of this.#followers) follower(block);
  }

  /** Followers are cut off, as by a broken connection. */
  setDown(down: boolean): void {
    this.down = down;
    if (down) for (const follower of this.#followers) follower(undefined);
  }

  #up(): void {
    if (this.down) throw new Error("the ledger does not answer");
  }

  client(isDead: () => boolean = () => false): AgentChain {
    const read = async <T>(work: () => T): Promise<T> => {
      await Promise.resolve();
      if (isDead()) return new Promise<T>(() => undefined);
      this.#up();
      return work();
    };
    const contract = (id: ContractId, { atLeast = 0 }: { readonly atLeast?: number | undefined } = {}): Promise<Contract | undefined> =>
      read(() => {
        if (this.height < atLeast) throw new Error(`the ledger is at height ${this.height}, behind ${atLeast}`);
        return this.contracts.get(id);
      });
    const contracts: AgentChain["contracts"] = (page = {}) =>
      read(() =>
        [...this.contracts.values()]
          .filter((entry) => page.nodeId === undefined || (entry.type === "name" ? entry.gatewayNodeId : entry.nodeId) === page.nodeId)
          .filter((entry) => page.solutionId === undefined || entry.solutionId === page.solutionId)
          .filter((entry) => page.active !== true || entry.state !== "deleted")
          .filter(({ id }) => id > (page.after ?? 0))
          .slice(0, page.limit ?? 1000),
      );
    return {
      head: () => read((): Head => ({ chainId: CHAIN_ID, height: this.height as Height, timeMs: this.clock.nowMs(), appHash: ZERO32, blockHash: ZERO32 })),
      contracts,
      proven: {
        contract,
        contracts,
        params: () => read(() => this.params),
        twinByAccount: (account) => read(() => [...this.twins.values()].find((twin) => twin.account === account)),
        nodeByTwin: (twinId) => read(() => [...this.nodes.values()].find((node) => node.twinId === twinId)),
        solution: (id) => read(() => this.solutions.get(id)),
        node: (id) => read(() => this.nodes.get(id)),
        twin: (id) => read(() => this.twins.get(id)),
        height: () => this.height,
      },
      submit: (signer, calls) =>
        read(() => {
          for (const call of calls) this.#apply(signer, call);
          return { hash: ZERO32, height: this.height as Height, timeMs: this.clock.nowMs(), feeUnits: 0n, events: [] };
        }),
      follow: ({ signal }) => this.#follow(signal, isDead),
    };
  }

  async *#follow(signal: AbortSignal, isDead: () => boolean): AsyncIterable<EventBlock> {
    this.#up();
    const queue: (EventBlock | undefined)[] = [];
    let wake: () => void = () => undefined;
    const push = (block: EventBlock | undefined): void => {
      queue.push(block);
      wake();
    };
    this.#followers.add(push);
    signal.addEventListener("abort", () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        const block = queue.shift();
        if (block !== undefined && !isDead()) yield block;
        else if (queue.length === 0) {
          if (this.down) throw new Error("the connection to the ledger broke");
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#followers.delete(push);
    }
  }

  #apply(signer: KeyPair, call: Call): void {
    this.submitted.push(call);
    const twin = [...this.twins.values()].find(({ account }) => account === signer.account);
    if (call.type === "twins.create") {
      if (twin !== undefined) throw new GridError({ code: "twins.exists", message: "twin exists", cure: "-" });
      this.addTwin(signer, call.relays);
    } else if (call.type === "nodes.register") {
      if (twin === undefined) throw new GridError({ code: "twins.not_found", message: "no twin", cure: "-" });
      if ([...this.nodes.values()].some((node) => node.twinId === twin.id)) throw new Error("registered twice");
      const { type: _, joinToken, ...profile } = call;
      this.addNode({ ...profile, twinId: twin.id, farmId: joinToken.farmId });
    } else if (call.type === "nodes.update") {
      const { type: _, nodeId, ...profile } = call;
      this.nodes.set(nodeId, { ...(this.nodes.get(nodeId) as Node), ...profile });
    } else if (call.type === "nodes.heartbeat") {
      this.nodes.set(call.nodeId, { ...(this.nodes.get(call.nodeId) as Node), lastHeartbeatMs: this.clock.nowMs(), uptimeSec: call.uptimeSec, up: true });
      const { power } = this.nodes.get(call.nodeId) as Node;
      if (power?.state === "down") this.setPower(call.nodeId, { state: "up" });
    } else if (call.type === "nodes.sleep") {
      this.setPower(call.nodeId, { state: "down" });
    } else if (call.type === "contracts.report") this.#report(call);
  }

  setPower(nodeId: NodeId, change: Partial<Pick<Power, "target" | "state">>): void {
    const node = this.nodes.get(nodeId) as Node;
    const power: Power = { target: "up", targetSinceMs: 0, state: "up", stateSinceMs: 0, ...node.power, ...change };
    this.nodes.set(nodeId, { ...node, power, up: power.state === "up" });
    this.block([{ type: "nodes.power", nodeId, farmId: node.farmId, target: power.target, state: power.state }]);
  }

  #report({ contractId, report }: Extract<Call, { type: "contracts.report" }>): void {
    const contract = this.contracts.get(contractId);
    if (contract?.type !== "node" || contract.state === "deleted") throw new GridError({ code: "contracts.not_found", message: "gone", cure: "-" });
    if (report.version > contract.version) throw new GridError({ code: "contracts.version_unknown", message: "too new", cure: "-" });
    this.contracts.set(contractId, { ...contract, report, reportedAtMs: this.clock.nowMs() });
    const { nodeId, solutionId } = contract;
    this.block([{ type: "contracts.reported", contractId, nodeId, version: report.version, state: report.state, solutionId }]);
  }

  addTwin(keys: KeyPair, relays: readonly string[] = []): TwinId {
    const id = this.newId() as TwinId;
    this.twins.set(id, { id, account: keys.account, relays, encryptionKey: keys.encryptionKey, createdAtMs: this.clock.nowMs() });
    return id;
  }

  addNode(fields: Pick<Node, "twinId" | "farmId" | "total" | "location" | "interfaces" | "meshKey" | "meshEndpoints" | "isolation" | "softwareVersion">): NodeId {
    const id = this.newId() as NodeId;
    const nowMs = this.clock.nowMs();
    this.nodes.set(id, {
      ...fields,
      id,
      reserved: { cpuMilli: 0, memoryBytes: 0, ssdBytes: 0, hddBytes: 0 },
      certification: "diy",
      maintenance: { mode: "none", sinceMs: 0, noticeUntilMs: 0 },
      up: true,
      lastHeartbeatMs: nowMs,
      upChangedMs: nowMs,
      uptimeSec: 0,
      createdAtMs: nowMs,
    });
    this.block([{ type: "nodes.registered", nodeId: id, farmId: fields.farmId, twinId: fields.twinId }]);
    return id;
  }

  addSolution(owner: TwinId, agent: TwinId, signers: readonly TwinId[] = []): SolutionId {
    const id = this.newId() as SolutionId;
    this.solutions.set(id, {
      id,
      name: `solution-${id}`,
      twinId: owner,
      agentTwinId: agent,
      signers: [owner, ...signers].map((twinId) => ({ twinId, weight: 1 })),
      thresholds: { provision: 1, amend: 1, delete: 1 },
      version: 1,
      document: "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy" as CidText,
      pending: null,
      budgetPerHourUnits: 1n,
      escrowUnits: 1n,
      state: "accepted",
      note: null,
      parts: [],
      members: [],
      createdAtMs: this.clock.nowMs(),
    });
    return id;
  }

  putInstruction(instruction: Instruction, author: { readonly keys: KeyPair; readonly twinId: TwinId }): CidText {
    const bytes = encode(documents.instruction, instruction);
    const cid = cidOf(bytes);
    const message = concatBytes(new Uint8Array([1, 0x71, 0x12, 0x20]), sha256(bytes));
    const signature = author.keys.sign("tfgrid/document/v1", message);
    this.documents.set(cid, { cid, bytes, author: author.twinId, signatures: [{ twinId: author.twinId, signature }] });
    return cid;
  }

  addContract(options: { readonly instruction: Instruction; readonly cid: CidText; readonly owner: TwinId; readonly id?: ContractId }): ContractId {
    const id = options.id ?? (this.newId() as ContractId);
    const { nodeId, solutionId } = options.instruction;
    this.contracts.set(id, {
      type: "node",
      ...this.#base(id, options.owner, solutionId),
      nodeId,
      version: 1,
      instruction: options.cid,
      resources: { cpuMilli: 1_000_000, memoryBytes: 2 ** 45, ssdBytes: 2 ** 45, hddBytes: 2 ** 45 },
      publicIps: 0,
      networks: options.instruction.networks.map(({ name, cidr, subnetIndex }) => ({ name, cidr, subnetIndex })),
      report: null,
      reportedAtMs: 0,
    });
    this.block([{ type: "contracts.created", contractId: id, kind: "node", twinId: options.owner, nodeId, solutionId }]);
    return id;
  }

  addName(options: { readonly name: string; readonly gatewayNodeId: NodeId; readonly solutionId: SolutionId; readonly owner: TwinId }): ContractId {
    const id = this.newId() as ContractId;
    const { name, gatewayNodeId, solutionId, owner } = options;
    this.contracts.set(id, { type: "name", ...this.#base(id, owner, solutionId), name, gatewayNodeId });
    this.block([{ type: "contracts.created", contractId: id, kind: "name", twinId: owner, nodeId: gatewayNodeId, solutionId }]);
    return id;
  }

  #base(id: ContractId, twinId: TwinId, solutionId: SolutionId) {
    return {
      id,
      twinId,
      solutionId,
      state: "created" as const,
      createdAtMs: this.clock.nowMs(),
      deletedAtMs: null,
      deletedCause: null,
      costPerHourUnits: 1n,
      billedUnits: 0n,
      settledAtMs: this.clock.nowMs(),
      escrowUnits: 0n,
    };
  }

  node(id: ContractId): NodeContract {
    const contract = this.contracts.get(id);
    if (contract?.type !== "node") throw new Error(`no node contract ${id}`);
    return contract;
  }

  update(id: ContractId, instruction: Instruction, cid: CidText): void {
    const contract = this.node(id);
    const networks = instruction.networks.map(({ name, cidr, subnetIndex }) => ({ name, cidr, subnetIndex }));
    const version = contract.version + 1;
    this.contracts.set(id, { ...contract, version, instruction: cid, networks });
    this.block([{ type: "contracts.updated", contractId: id, nodeId: contract.nodeId, version, solutionId: contract.solutionId }]);
  }

  setState(id: ContractId, state: "created" | "grace" | "deleted"): void {
    const contract = this.node(id);
    this.contracts.set(id, { ...contract, state });
    const { nodeId, solutionId } = contract;
    const base = { contractId: id, nodeId, solutionId };
    if (state === "grace") this.block([{ type: "contracts.grace", ...base, untilMs: this.clock.nowMs() }]);
    else if (state === "created") this.block([{ type: "contracts.resumed", ...base }]);
    else this.block([{ type: "contracts.deleted", ...base, cause: "canceled_by_agent", refundedUnits: 0n }]);
  }

  notary(isDead: () => boolean = () => false): Pick<NotaryClient, "get"> {
    return {
      get: async ({ cid }) => {
        await Promise.resolve();
        if (isDead()) return new Promise<StoredDocument>(() => undefined);
        if (this.notaryDown) throw new Error("the notary does not answer");
        const document = this.documents.get(cid);
        if (document === undefined) throw new GridError({ code: "notary.not_found", message: "no such document", cure: "-" });
        return document;
      },
    };
  }
}
