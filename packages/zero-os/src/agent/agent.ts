/**
 * The 3Node agent: starts what it knew last at once, finds itself on the ledger, and from then on follows it. Each
 * concern is a loop of its own (heartbeats, contracts, solutions, provisioning, reports), so that none holds up another.
 */
import type { ContractId, NodeId, SolutionId } from "@tfgrid/primitives";
import type { JoinToken, Report } from "@tfgrid/tfchain";
import { NODE_LIMITS } from "../limits.ts";
import type { ComputeDriver, StorageDriver } from "../ports.ts";
import type { RunStore } from "../provisioning/memory.ts";
import type { Actual, DesiredContract, Plan } from "../provisioning/model.ts";
import { contractOfKey } from "../provisioning/keys.ts";
import { Reconciler } from "../provisioning/reconciler.ts";
import type { PowerControl } from "../power/control.ts";
import { PowerRole } from "../power/power-role.ts";
import { type NodeProfile, register, type Registration } from "../registration/register.ts";
import { buildReport } from "../reporting/build-report.ts";
import { runHeartbeat } from "../reporting/heartbeat.ts";
import { Reporter } from "../reporting/reporter.ts";
import { type UsageStore, runUsage } from "../reporting/usage.ts";
import { ContractBook } from "./contract-book.ts";
import type { ContractStore } from "./contract-store.ts";
import { DesiredBuilder } from "./desired.ts";
import { desiredZnets } from "./desired-znets.ts";
import { hintsOf } from "./events.ts";
import { type GatewayControl, GatewayRole } from "./gateway-loop.ts";
import type { NetworkControl } from "./network-control.ts";
import { NodeDirectory } from "./node-directory.ts";
import type { NodeStore } from "./node-store.ts";
import type { World } from "./ports.ts";
import { retryUntilDone } from "./retry.ts";
import { remoteZmachines, SolutionBook, type SolutionView } from "./solution-book.ts";

export interface AgentOptions {
  readonly world: World;
  readonly joinToken: JoinToken;
  readonly relays: readonly string[];
  readonly profile: NodeProfile;
  /** When the machine was switched on. */
  readonly bootMs: number;
  readonly drivers: { readonly compute: ComputeDriver; readonly storage: StorageDriver; readonly networks: NetworkControl };
  readonly stores: { readonly contracts: ContractStore; readonly runs: RunStore; readonly node: NodeStore; readonly usage: UsageStore };
  /** Undefined: the machine stays on. */
  readonly power?: PowerControl | undefined;
  readonly gateway?: { readonly domain: string; readonly control: GatewayControl };
  /** What works only with an identity on the ledger (messaging, paths); tried again until it succeeds. */
  readonly onRegistered?: (registration: Registration, agent: Agent) => Promise<void>;
}

export class Agent {
  /** Resolves when the ledger knows this node and its loops run. */
  readonly registered: Promise<Registration>;
  readonly #options: AgentOptions;
  readonly #abort = new AbortController();
  readonly #reconciler: Reconciler;
  readonly #desired: DesiredBuilder;
  readonly #loops: Promise<void>[] = [];
  readonly #solutions: SolutionBook;
  readonly #nodes: NodeDirectory;
  readonly #gateway: GatewayRole | undefined;
  #resolveRegistered: (registration: Registration) => void = () => undefined;
  #book: ContractBook | undefined;
  #reporter: Reporter | undefined;
  #registration: Registration | undefined;
  #power: PowerRole | undefined;
  #plan: { readonly plan: Plan; readonly actual: Actual; readonly znetPorts: ReadonlyMap<string, number> } | undefined;
  #reports: ReadonlyMap<ContractId, Report> = new Map();
  #contracts: readonly DesiredContract[] = [];
  #znetsText = "";
  #networksText = "";

  constructor(options: AgentOptions) {
    this.#options = options;
    this.registered = new Promise((resolve) => {
      this.#resolveRegistered = resolve;
    });
    const { world, drivers, stores, gateway } = options;
    this.#desired = new DesiredBuilder(world.identity);
    this.#solutions = new SolutionBook({ world, onChange: () => this.#refresh() });
    this.#nodes = new NodeDirectory(world, () => this.#refresh());
    this.#gateway = gateway === undefined ? undefined : new GatewayRole({ ...gateway, world, onChange: () => this.#publish() });
    this.#reconciler = new Reconciler({
      drivers,
      store: stores.runs,
      clock: world.clock,
      entropy: world.entropy,
      logger: world.logger,
      files: (contract, zmachine) => this.#desired.files(contract, zmachine),
      onPlan: (plan, view) => {
        this.#plan = { plan, ...view };
        this.#askAboutLeftovers(view.actual);
        this.#publish();
      },
    });
  }

  get book(): ContractBook | undefined {
    return this.#book;
  }

  get solutions(): SolutionBook {
    return this.#solutions;
  }

  get reports(): ReadonlyMap<ContractId, Report> {
    return this.#reports;
  }

  get isBusy(): boolean {
    return this.#reconciler.isBusy;
  }

  /** Resolves when what was known last is being carried out; needs neither ledger nor notary. */
  async start(): Promise<void> {
    const known = await this.#options.stores.node.load();
    if (known !== undefined) {
      this.#registration = known;
      this.#book = this.#newBook(known);
      await this.#book.load();
    }
    this.#run("provisioning", (signal) => this.#reconciler.run(signal));
    this.#run("solutions", (signal) => this.#solutions.run(signal));
    if (this.#gateway !== undefined) this.#run("gateway", this.#gateway.run.bind(this.#gateway));
    this.#run("ledger", (signal) => this.#join(signal));
    this.#run("image cleaning", (signal) => this.#collectImages(signal));
  }

  /** Ends the agent only: zmachines go on. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error("the agent stops"));
    await Promise.all(this.#loops);
    await this.#options.drivers.networks.stop();
  }

  #run(name: string, loop: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#abort;
    const { world } = this.#options;
    const guarded = async (): Promise<void> => {
      while (!signal.aborted) {
        try {
          await loop(signal);
          return;
        } catch (error) {
          if (signal.aborted) return;
          world.logger.error(`${name} failed, starting it again`, { error });
          await world.clock.sleep(NODE_LIMITS.retryBaseMs, signal).catch(() => undefined);
        }
      }
    };
    this.#loops.push(guarded());
  }

  #newBook({ nodeId, twinId }: Registration): ContractBook {
    const { world, stores } = this.#options;
    return new ContractBook({ world, nodeId, twinId, store: stores.contracts, onChange: (id) => this.#onContract(id) });
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { world, joinToken, relays, profile, stores, bootMs } = this.#options;
    const retry = { ...world, signal };
    const attempt = (): Promise<Registration> => register({ world, joinToken, relays, profile, signal });
    const registration = await retryUntilDone(attempt, { ...retry, what: "registration" });
    if (this.#registration?.nodeId !== registration.nodeId) await stores.node.save(registration);
    this.#registration = registration;
    this.#book ??= this.#newBook(registration);
    const book = this.#book;
    const { nodeId } = registration;
    const params = await retryUntilDone(() => world.chain.proven.params(), { ...retry, what: "reading the ledger's parameters" });
    const { chain, clock, entropy, logger } = world;
    const signer = world.identity.keys;
    this.#reporter = new Reporter({ ...world, signer, ...params, onRefused: (id) => book.hint(id) });
    const reporter = this.#reporter;
    const intervalMs = params.heartbeatIntervalMs;
    const power = new PowerRole({ world, control: this.#options.power, nodeId, farmId: joinToken.farmId, isIdle: () => book.complete && book.entries.size === 0 && !this.isBusy });
    this.#power = power;
    const isSilent = (): boolean => power.isAsleep;
    this.#run("heartbeats", (ended) => runHeartbeat({ chain, signer, nodeId, bootMs, clock, entropy, logger, intervalMs, isSilent }, ended));
    this.#run("power", (ended) => power.run(ended));
    this.#run("events", (ended) => this.#follow(nodeId, ended));
    this.#run("contracts", (ended) => book.run(ended));
    this.#run("reports", (ended) => reporter.run(ended));
    this.#run("usage", (ended) => this.#countUsage(params.maxCallsPerTx, ended));
    this.#refresh();
    const { onRegistered } = this.#options;
    if (onRegistered !== undefined) {
      await retryUntilDone(() => onRegistered(registration, this), { ...retry, what: "joining the peer network" });
    }
    this.#resolveRegistered(registration);
  }

  #countUsage(maxCallsPerTx: number, signal: AbortSignal): Promise<void> {
    const { world, drivers, stores } = this.#options;
    const publicBytes = (znet: string): Promise<number | undefined> => drivers.networks.publicBytes(znet);
    const gateway = this.#gateway;
    const visitorBytes = gateway === undefined ? {} : { visitorBytes: () => gateway.traffic() };
    return runUsage({ ...world, signer: world.identity.keys, publicBytes, ...visitorBytes, contracts: () => this.#contracts, store: stores.usage, maxCallsPerTx }, signal);
  }

  async #follow(nodeId: NodeId, signal: AbortSignal): Promise<void> {
    const { chain, logger } = this.#options.world;
    // From the next block on, and then everything is read once: nothing can fall in between.
    const head = await chain.head();
    this.#book?.hintAll();
    this.#solutions.hintAll();
    this.#nodes.hintAll();
    for await (const block of chain.follow({ from: (head.height + 1) as typeof head.height, signal })) {
      const hints = hintsOf(block.events, nodeId);
      for (const id of hints.contracts) this.#book?.hint(id);
      for (const id of hints.solutions) this.#solutions.hint(id);
      for (const id of hints.nodes) this.#nodes.hint(id);
      this.#power?.hint(block.events);
    }
    if (!signal.aborted) logger.warn("the ledger's events ended");
  }

  #onContract(contractId: ContractId | undefined): void {
    const contract = contractId === undefined ? undefined : this.#book?.entries.get(contractId)?.contract;
    this.#refresh();
    if (contract !== undefined) this.#reporter?.setOnChain(contract.id, contract.report);
  }

  /** From books to drivers; cheap, and safe to call at any time. */
  #refresh(): void {
    const { book, nodes } = { book: this.#book, nodes: this.#nodes.nodes };
    const registration = this.#registration;
    if (book === undefined || registration === undefined) return;
    const { nodeId } = registration;
    const contracts = this.#desired.build(book.entries.values());
    this.#contracts = contracts;
    this.#solutions.want(new Set<SolutionId>(contracts.map(({ solutionId }) => solutionId)));
    const { views } = this.#solutions;
    const others = [...views.values()].flatMap(({ nodeContracts }) => nodeContracts.map((contract) => contract.nodeId));
    this.#nodes.want(new Set(others.filter((id) => id !== nodeId)));
    this.#reconciler.setDesired({
      contracts,
      ended: book.ended,
      complete: book.complete,
      remote: remoteZmachines(views, nodeId),
    });
    this.#nudgeNetworks(views);
    const routed = [...book.entries.values()].flatMap(({ held }) => {
      const contract = contracts.find((entry) => entry.contractId === held?.contractId);
      return contract === undefined || held === undefined ? [] : [{ ...contract, routes: held.instruction.routes }];
    });
    // Before everything was read, routes would seem to be gone: the data plane goes on with those it has.
    const readAll = book.complete && routed.every(({ routes, solutionId }) => routes.length === 0 || views.has(solutionId));
    if (readAll) this.#gateway?.update({ nodeId, contracts: routed, views, nodes });
    this.#publish();
  }

  #askAboutLeftovers(actual: Actual): void {
    const found = [...actual.zmachines, ...actual.volumes].map(({ contractId }) => contractId);
    const attached = actual.attachments.map(contractOfKey).filter((id) => id !== undefined);
    for (const id of new Set([...found, ...attached])) this.#book?.ask(id);
  }

  #publish(): void {
    const [book, planned] = [this.#book, this.#plan];
    if (book === undefined || planned === undefined) return;
    const reports = new Map<ContractId, Report>();
    for (const { contractId, contract, held, fault } of book.entries.values()) {
      // A contract that was just learned of and whose instruction is on its way says nothing yet.
      if (held === undefined && fault === undefined) continue;
      reports.set(
        contractId,
        buildReport({
          contractId,
          version: held?.version ?? 0,
          mode: held?.mode ?? (contract?.state === "grace" ? "pause" : "run"),
          instruction: held?.instruction,
          fault,
          groundFault: planned.plan.faults.get(contractId),
          phases: planned.plan.phases,
          znetPorts: planned.znetPorts,
          routes: this.#gateway?.reportOf(contractId) ?? [],
        }),
      );
    }
    this.#setZnets(planned.plan);
    this.#reports = reports;
    this.#reporter?.setWanted(reports);
  }

  /** Peers and names follow from these parts of the solutions; money and time, which change all the while, do not matter to them. */
  #nudgeNetworks(views: ReadonlyMap<SolutionId, SolutionView>): void {
    const parts = [...views.values()].map(({ solution, nodeContracts }) => [
      solution.members,
      nodeContracts.map(({ nodeId, networks, report }) => [nodeId, networks, report]),
    ]);
    const text = JSON.stringify(parts);
    if (text === this.#networksText) return;
    this.#networksText = text;
    this.#options.drivers.networks.nudge();
  }

  #setZnets({ phases }: Plan): void {
    const znets = desiredZnets(this.#contracts, phases);
    const text = JSON.stringify(znets);
    if (text === this.#znetsText) return;
    this.#znetsText = text;
    this.#options.drivers.networks.setZnets(znets);
  }

  async #collectImages(signal: AbortSignal): Promise<void> {
    const { world, drivers } = this.#options;
    for (;;) {
      await world.clock.sleep(NODE_LIMITS.imageGcIntervalMs, signal);
      const keepDigests = this.#contracts.flatMap(({ zmachines }) => zmachines.map(({ spec }) => spec.image.digest));
      await drivers.compute.collectGarbage({ keepDigests, maxBytes: NODE_LIMITS.imageCacheBytes });
      this.#reconciler.forgetImages();
    }
  }
}
