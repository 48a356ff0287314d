/** A small grid in memory: ledger, notary, 3Nodes that carry out instructions and report, and an agent that can crash anywhere. */
import { type Call, type ChainClient, chain as types, type Contract, type NodeContract, type Report, type Solution } from "@tfgrid/tfchain";
import { documents, type Instruction, memoryNotary, type NotaryClient, type SolutionDocument } from "@tfgrid/notary";
import { type CidText, cidOf, decode, encode, type SolutionId, silentLogger, utf8 } from "@tfgrid/primitives";
import { buildDocument, parseComposeOrThrow } from "../../src/index.ts";
import { openLedger as openLists } from "../../src/agent/ledger.ts";
import { type Outcome, reconcile, type ReconcileContext } from "../../src/agent/reconcile.ts";
import { CHAIN_ID, type ClientOptions, keyOf, openLedger, type Sim, TFT } from "./ledger.ts";

const GIB = 2 ** 30;
export const CAPACITY = { cpuMilli: 4_000, memoryBytes: 4 * GIB, ssdBytes: 100 * GIB, hddBytes: 0 };

interface Running {
  readonly startedAtMs: number;
  readonly hash: string;
}

export class World {
  readonly sim: Sim;
  readonly notary: NotaryClient;
  readonly chain: ChainClient;
  readonly nodeNames: string[] = [];
  readonly dead = new Set<string>();
  /** Image digests whose zmachines fail. */
  readonly broken = new Set<string>();
  /** Every name that ever ran at the same time on two live nodes: must stay empty. */
  readonly duplicates: string[] = [];
  readonly #running = new Map<string, Running>();
  /** Fewest working zmachines of a service since it was reset, as an update must never go below. */
  lowest = new Map<string, number>();

  constructor(options: { readonly nodes?: number; readonly gateways?: number } = {}) {
    this.sim = openLedger(["farmer", "user", "agent", "other"]);
    this.chain = this.sim.client();
    this.notary = memoryNotary({ chain: this.chain, clock: this.clock });
    for (const name of ["farmer", "user", "agent", "other"]) this.do(name, twinCall(name));
    this.do("farmer", { type: "farms.create", name: "farm", dedicated: false });
    for (let index = 1; index <= (options.nodes ?? 3); index += 1) this.addNode(`node${index}`);
    for (let index = 1; index <= (options.gateways ?? 1); index += 1) this.addNode(`gateway${index}`, { publicConfig: { domain: `gw${index}.example.org` } });
  }

  get clock() {
    return { nowMs: () => this.sim.timeMs, sleep: () => Promise.reject(new Error("nothing sleeps in this simulation")) };
  }

  do(name: string, ...calls: Call[]): void {
    this.sim.submitAs(name, ...calls);
  }

  addNode(name: string, extra: object = {}): void {
    const farmId = this.sim.read.farmByName("farm")?.id as never;
    const body = { chainId: CHAIN_ID, farmId, expiresAtMs: this.sim.timeMs + 3_600_000 };
    const joinToken = { ...body, signature: keyOf("farmer").sign("tfgrid/join-token/v1", encode(types.joinTokenBody, body)) };
    const profile = {
      total: CAPACITY,
      location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
      interfaces: [],
      meshKey: keyOf(name).encryptionKey,
      meshEndpoints: [],
      isolation: ["container" as const],
      softwareVersion: "0.1.0",
    };
    this.do(name, twinCall(name), { type: "nodes.register", joinToken, ...profile, ...extra });
    this.nodeNames.push(name);
    this.heartbeat(name);
  }

  heartbeat(name: string): void {
    this.do(name, { type: "nodes.heartbeat", nodeId: this.sim.node(name), uptimeSec: 1 });
  }

  /** Time passes in steps as an engine makes blocks (wider ones would be a standstill); live nodes say that they live. */
  pass(totalMs: number, stepMs = 2_500): void {
    for (let left = totalMs; left > 0; left -= stepMs) {
      this.sim.tick(Math.min(left, stepMs));
      for (const name of this.nodeNames) if (!this.dead.has(name)) this.heartbeat(name);
    }
  }

  kill(name: string): void {
    this.dead.add(name);
    this.pass(16_000);
  }

  revive(name: string): void {
    this.dead.delete(name);
    this.heartbeat(name);
  }

  async compose(text: string, version = 1): Promise<SolutionDocument> {
    const { draft } = await parseComposeOrThrow({
      text,
      fileName: "compose.yaml",
      environment: { TOKEN: "s3cret" },
      readFile: () => Promise.reject(new Error("no files here")),
    });
    return buildDocument({
      draft,
      version,
      ownerTwinId: this.sim.twin("user"),
      agent: async () => ({ twinId: this.sim.twin("agent"), encryptionKey: keyOf("agent").encryptionKey }),
      images: { resolve: async (reference) => digestOf(reference) },
      farmIdByName: async () => undefined,
      entropy: { randomBytes: (length) => new Uint8Array(length).fill(9) },
      signal: new AbortController().signal,
    });
  }

  async put(document: SolutionDocument): Promise<CidText> {
    return this.notary.put({ schema: documents.solutionDocument, value: document, signer: keyOf("user"), twinId: this.sim.twin("user"), readers: [this.sim.twin("agent")] });
  }

  async deploy(text: string, depositUnits = 1_000n * TFT): Promise<SolutionId> {
    const document = await this.compose(text);
    const { name, agentTwinId, signers, thresholds, budgetPerHourUnits } = document;
    this.do("user", { type: "solutions.create", name, document: await this.put(document), agentTwinId, signers, thresholds, budgetPerHourUnits, depositUnits });
    return this.sim.read.solutionByName(this.sim.twin("user"), name)?.id as SolutionId;
  }

  async amend(id: SolutionId, text: string): Promise<void> {
    const version = this.solution(id).version + 1;
    const document = await this.compose(text, version);
    this.do("user", { type: "solutions.amend", solutionId: id, version, document: await this.put(document), budgetPerHourUnits: document.budgetPerHourUnits });
  }

  solution(id: SolutionId): Solution {
    return this.sim.read.solution(id) as Solution;
  }

  contracts(id: SolutionId): readonly Contract[] {
    return this.sim.read.contracts({ solutionId: id, active: true });
  }

  nodeContracts(id: SolutionId): readonly NodeContract[] {
    return this.contracts(id).filter((contract) => contract.type === "node");
  }

  async instruction(contract: NodeContract): Promise<Instruction> {
    const stored = await this.notary.get({ cid: contract.instruction, signer: keyOf("agent"), twinId: this.sim.twin("agent") });
    return decode(documents.instruction, stored.bytes, { maxBytes: 1 << 20 });
  }

  /** A fresh agent: nothing in memory survives from the one before. */
  agent(options: ClientOptions = {}): ReconcileContext {
    const chain = this.sim.client(options);
    const step = (name: string) => options.onStep?.(name);
    const notary: NotaryClient = {
      put: async (put) => {
        step("before put");
        const cid = await this.notary.put(put);
        step("after put");
        return cid;
      },
      sign: (sign) => this.notary.sign(sign),
      get: async (get) => {
        step("get");
        return this.notary.get(get);
      },
    };
    return {
      chain,
      notary,
      keyPair: keyOf("agent"),
      twinId: this.sim.twin("agent"),
      clock: this.clock,
      logger: silentLogger,
      ledger: openLists(chain, this.clock),
      documents: new Map(),
    };
  }

  look(id: SolutionId, context = this.agent()): Promise<Outcome> {
    return reconcile(context, id, new AbortController().signal);
  }

  /** Every live node fetches what its contracts say (as its own twin), carries it out and reports. */
  async nodesWork(only?: (name: string) => boolean): Promise<void> {
    const alive = new Map<string, string>();
    const working = new Map<string, number>();
    for (const name of this.nodeNames) {
      if (this.dead.has(name) || only?.(name) === false) continue;
      for (const contract of this.sim.read.contracts({ nodeId: this.sim.node(name), active: true })) {
        if (contract.type !== "node") continue;
        const stored = await this.notary.get({ cid: contract.instruction, signer: keyOf(name), twinId: this.sim.twin(name) });
        const instruction = decode(documents.instruction, stored.bytes, { maxBytes: 1 << 20 });
        const report = this.#report(contract, instruction);
        for (const zmachine of instruction.zmachines) {
          const other = alive.get(`${contract.solutionId}/${zmachine.name}`);
          if (other !== undefined) this.duplicates.push(`${zmachine.name} on ${other} and ${name}`);
          alive.set(`${contract.solutionId}/${zmachine.name}`, name);
          if (report.zmachines.find((item) => item.name === zmachine.name)?.state === "healthy")
            working.set(zmachine.service, (working.get(zmachine.service) ?? 0) + 1);
        }
        if (JSON.stringify(contract.report) !== JSON.stringify(report)) this.do(name, { type: "contracts.report", contractId: contract.id, report });
      }
    }
    for (const [service, count] of working) this.lowest.set(service, Math.min(this.lowest.get(service) ?? count, count));
  }

  #report(contract: NodeContract, instruction: Instruction): Report {
    const zmachines = instruction.zmachines.map((spec): Report["zmachines"][number] => {
      const key = `${contract.id}/${spec.name}`;
      const hash = cidOf(encode(documents.zmachineSpec, spec));
      const known = this.#running.get(key);
      if (known?.hash !== hash) this.#running.set(key, { hash, startedAtMs: this.sim.timeMs });
      const bad = this.broken.has(spec.image.digest);
      return {
        name: spec.name,
        service: spec.service,
        state: bad ? "failed" : spec.healthcheck === null ? "running" : "healthy",
        startedAtMs: this.#running.get(key)?.startedAtMs ?? 0,
        restarts: 0,
        addresses: spec.networks.map(({ name, ip }) => ({ network: name, ip })),
        aliases: [],
        ...(bad ? { code: "compute.exited", message: "exit code 1" } : {}),
      };
    });
    const domain = this.sim.read.node(contract.nodeId)?.publicConfig?.domain ?? "";
    const backends = instruction.routes.length;
    return {
      version: contract.version,
      state: "running",
      networks: [],
      zmachines,
      routes: instruction.routes.map((rule) => ({ host: `${rule.name}.${domain}`, backends })),
    };
  }

  /** Agent and nodes in turn until nothing changes any more. Returns the number of rounds. */
  async settle(id: SolutionId, options: { readonly context?: ReconcileContext; readonly rounds?: number; readonly stepMs?: number } = {}): Promise<number> {
    const rounds = options.rounds ?? 40;
    for (let round = 1; round <= rounds; round += 1) {
      const before = this.fingerprint(id);
      await this.look(id, options.context).catch(() => undefined);
      await this.nodesWork();
      this.pass(options.stepMs ?? 2_000);
      if (this.fingerprint(id) === before && this.solution(id).state !== "deploying") return round;
    }
    throw new Error(`does not settle: ${JSON.stringify(this.solution(id).note)}`);
  }

  fingerprint(id: SolutionId): string {
    const rows = this.contracts(id).map((contract) => (contract.type === "node" ? [contract.id, contract.version, contract.report] : [contract.id, contract.type === "name" ? contract.gatewayNodeId : contract.nodeId]));
    const { state, note, version } = this.solution(id);
    return JSON.stringify([rows, state, note?.code, note?.message, version]);
  }

  /** Where each zmachine is, by the instructions in force. */
  async placement(id: SolutionId): Promise<Readonly<Record<string, string>>> {
    const out: Record<string, string> = {};
    for (const contract of this.nodeContracts(id)) {
      const at = this.nodeNames.find((name) => this.sim.node(name) === contract.nodeId) ?? "?";
      for (const zmachine of (await this.instruction(contract)).zmachines) {
        if (out[zmachine.name] !== undefined) throw new Error(`${zmachine.name} is in two contracts`);
        out[zmachine.name] = at;
      }
    }
    return out;
  }
}


export const digestOf = (reference: string): string => `sha256:${Buffer.from(utf8(reference)).toString("hex").padEnd(64, "0").slice(0, 64)}`;
const twinCall = (name: string): Call => ({ type: "twins.create", relays: [], encryptionKey: keyOf(name).encryptionKey });

export function guestbook(options: { readonly webImage?: string; readonly replicas?: number; readonly update?: string; readonly budget?: string; readonly extra?: string } = {}): string {
  return `
name: guestbook
x-grid: { budget: ${options.budget ?? "50 TFT/h"} }
services:
  web:
    image: web:${options.webImage ?? "1"}
    healthcheck: { x-http: 8080/healthz }
    depends_on: { store: { condition: service_healthy } }
    secrets: [token]
    deploy:
      replicas: ${options.replicas ?? 2}
      resources: { limits: { cpus: "0.5", memory: 512m } }
      update_config: ${options.update ?? "{ order: start-first, monitor: 1s }"}
    x-grid: { placement: { spread: node } }
    x-ingress: { name: guestbook, port: 8080 }
  store:
    image: store:1
    healthcheck: { x-tcp: 7000 }
    volumes: ["messages:/data"]
volumes: { messages: { x-size: 1g } }
secrets: { token: { environment: TOKEN } }
${options.extra ?? ""}`;
}
