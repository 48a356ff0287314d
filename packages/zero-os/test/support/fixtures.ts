/** Short ways to write down what instructions and agents look like. */
import type { Instruction, ZmachineSpec } from "@tfgrid/notary";
import { type ContractId, type FarmId, type Hex, jsonLogger, type KeyPair, keyPairFromSeed, type NodeId, type SolutionId, type TwinId } from "@tfgrid/primitives";
import { Agent } from "../../src/agent/agent.ts";
import type { ContractStore, HeldContract } from "../../src/agent/contract-store.ts";
import type { GatewayControl } from "../../src/agent/gateway-loop.ts";
import type { PowerControl } from "../../src/power/control.ts";
import type { NodeStore } from "../../src/agent/node-store.ts";
import { identityFromSeed } from "../../src/identity/identity.ts";
import type { RunStore } from "../../src/provisioning/memory.ts";
import type { ZmachineMemory } from "../../src/provisioning/model.ts";
import type { NodeProfile, Registration } from "../../src/registration/register.ts";
import type { Counted, UsageStore } from "../../src/reporting/usage.ts";
import type { Random } from "./random.ts";
import { CHAIN_ID, SimChain } from "./sim-chain.ts";
import { type Gate, SimMachine } from "./sim-machine.ts";
import { VirtualClock } from "./virtual-clock.ts";

export const MIB = 1024 * 1024;
const digestOf = (name: string): string => `sha256:${Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64)}`;

export function spec(name: string, overrides: Partial<ZmachineSpec> = {}): ZmachineSpec {
  return {
    name,
    service: name.replace(/-\d+$/, ""),
    image: { reference: "registry/app:1", digest: digestOf("app") },
    entrypoint: [],
    command: [],
    environment: {},
    user: "",
    workingDir: "",
    mounts: [],
    resources: { cpuMilli: 100, memoryBytes: 64 * MIB, pids: 64, rootfsBytes: 64 * MIB },
    restart: { condition: "any", delayMs: 0, maxAttempts: 0, windowMs: 0 },
    healthcheck: null,
    stopSignal: "",
    stopGraceMs: 1_000,
    readOnlyRootfs: false,
    isolation: "container",
    hostname: name,
    networks: [{ name: "default", ip: "10.64.1.2", aliases: [] }],
    files: [],
    dependsOn: [],
    ...overrides,
  };
}

export const image = (name: string): ZmachineSpec["image"] => ({ reference: `registry/${name}:1`, digest: digestOf(name) });
export const volumeMount = (source: string): ZmachineSpec["mounts"][number] => ({
  type: "volume",
  source,
  target: "/data",
  readOnly: false,
  sizeBytes: 0,
});
export const httpCheck: NonNullable<ZmachineSpec["healthcheck"]> = {
  test: { type: "http", port: 80, path: "/" },
  intervalMs: 1_000,
  timeoutMs: 500,
  retries: 2,
  startPeriodMs: 1_000,
  startIntervalMs: 200,
};

/** Gives every zmachine an address of its own in the node's /24. */
export function withAddresses(specs: readonly ZmachineSpec[], network = "default"): readonly ZmachineSpec[] {
  return specs.map((entry, index) => ({ ...entry, networks: [{ name: network, ip: `10.64.1.${index + 2}`, aliases: [] }] }));
}

export interface Person {
  readonly keys: KeyPair;
  readonly twinId: TwinId;
}

export const AGENT_SEED = 7;
export const NODE_SEED = 9;
export const keysOf = (seed: number): KeyPair => keyPairFromSeed(new Uint8Array(32).fill(seed));

export const profile: NodeProfile = {
  total: { cpuMilli: 4_000, memoryBytes: 8 * 1024 * MIB, ssdBytes: 100 * 1024 * MIB, hddBytes: 0 },
  location: { country: "Belgium", city: "Ghent", latitudeMicro: 0, longitudeMicro: 0 },
  interfaces: [],
  meshKey: identityFromSeed(new Uint8Array(32).fill(NODE_SEED)).mesh.publicKey,
  meshEndpoints: [{ address: "192.0.2.1", port: 4000 }],
  isolation: ["container"],
  softwareVersion: "0.1.0",
};

/** What lies on the node's disk: survives the agent. */
export class SimDisk {
  readonly contracts = new Map<ContractId, HeldContract>();
  runs = new Map<string, ZmachineMemory>();
  registration: Registration | undefined;
  usage: ReadonlyMap<ContractId, Counted> = new Map();

  stores(gate: Gate): { contracts: ContractStore; runs: RunStore; node: NodeStore; usage: UsageStore } {
    return {
      contracts: {
        load: async () => [...this.contracts.values()],
        save: async (held) => {
          await gate(`save contract ${held.contractId}`);
          this.contracts.set(held.contractId, held);
        },
        remove: async (id) => {
          await gate(`forget contract ${id}`);
          this.contracts.delete(id);
        },
      },
      runs: {
        load: async () => this.runs,
        save: async (runs) => {
          await gate("save runs");
          this.runs = new Map(runs);
        },
      },
      usage: {
        load: async () => this.usage,
        save: async (rows) => {
          await gate("save usage");
          this.usage = new Map(rows);
        },
      },
      node: {
        load: async () => this.registration,
        save: async (registration) => {
          await gate("save node");
          this.registration = registration;
        },
      },
    };
  }
}

export interface World {
  readonly clock: VirtualClock;
  readonly chain: SimChain;
  readonly machine: SimMachine;
  readonly disk: SimDisk;
  readonly owner: Person;
  readonly bot: Person;
  readonly random: Random;
}

export function newWorld(random: Random): World {
  const clock = new VirtualClock();
  const chain = new SimChain(clock);
  const person = (seed: number): Person => ({ keys: keysOf(seed), twinId: chain.addTwin(keysOf(seed)) });
  return { clock, chain, machine: new SimMachine(clock), disk: new SimDisk(), owner: person(5), bot: person(AGENT_SEED), random };
}

export const openGate: Gate = async () => undefined;

export function newAgent(
  world: World,
  options: { readonly gate?: Gate; readonly isDead?: () => boolean; readonly gateway?: { domain: string; control: GatewayControl }; readonly relays?: readonly string[]; readonly power?: PowerControl } = {},
): Agent {
  const { gate = openGate, isDead = () => false, gateway, relays = [], power } = options;
  const { chain, machine, disk, clock, random } = world;
  const logger = jsonLogger({ write: process.env["SIM_LOG"] === undefined ? () => undefined : (line) => process.stderr.write(line), clock, level: "debug" });
  return new Agent({
    world: {
      chain: chain.client(isDead),
      notary: chain.notary(isDead),
      clock,
      entropy: random,
      logger,
      identity: identityFromSeed(new Uint8Array(32).fill(NODE_SEED)),
      chainId: CHAIN_ID,
    },
    joinToken: { chainId: CHAIN_ID, farmId: 1 as FarmId, expiresAtMs: Number.MAX_SAFE_INTEGER, signature: "00".repeat(64) as Hex },
    relays,
    profile,
    bootMs: clock.nowMs() - 1_000,
    drivers: { compute: machine.compute(gate), storage: machine.storage(gate), networks: machine.networks(gate) },
    stores: disk.stores(gate),
    power,
    ...(gateway === undefined ? {} : { gateway }),
  });
}

export function instructionFor(options: {
  readonly nodeId: NodeId;
  readonly solutionId: SolutionId;
  readonly zmachines: readonly ZmachineSpec[];
  readonly volumes?: readonly string[];
  readonly overrides?: Partial<Instruction>;
}): Instruction {
  return {
    kind: "instruction/v1",
    chainId: CHAIN_ID,
    solutionId: options.solutionId,
    solutionName: "shop",
    solutionVersion: 1,
    nodeId: options.nodeId,
    networks: [{ name: "default", cidr: "10.64.0.0/16", subnetIndex: 1, internal: false }],
    volumes: (options.volumes ?? []).map((name) => ({ name, sizeBytes: 16 * MIB, kind: "ssd" })),
    zmachines: withAddresses(options.zmachines),
    routes: [],
    ...options.overrides,
  };
}

/** Registered agent, ready to be given contracts. */
export async function registeredAgent(world: World, options: Parameters<typeof newAgent>[1] = {}): Promise<{ readonly agent: Agent; readonly nodeId: NodeId }> {
  const agent = newAgent(world, options);
  await agent.start();
  let registration: Registration | undefined;
  void agent.registered.then((value) => {
    registration = value;
    return value;
  });
  await world.clock.until(() => registration !== undefined, { withinMs: 60_000, what: "registration" });
  return { agent, nodeId: (registration as unknown as Registration).nodeId };
}

export function deploy(world: World, instruction: Instruction, author: Person = world.bot): ContractId {
  const cid = world.chain.putInstruction(instruction, author);
  return world.chain.addContract({ instruction, cid, owner: world.owner.twinId });
}

export function amend(world: World, id: ContractId, instruction: Instruction): void {
  world.chain.update(id, instruction, world.chain.putInstruction(instruction, world.bot));
}
