/** A 3Node on Linux: real drivers, ledger, notary and messaging put together around the agent. */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { connectMessenger, chainTwinResolver, type Messenger } from "@tfgrid/messaging";
import { connectNotary } from "@tfgrid/notary";
import { ensureWireguardGo, linuxNetwork } from "@tfgrid/peer-network";
import { type Logger, systemClock, systemEntropy } from "@tfgrid/primitives";
import { type ChainClient, connectChain, fileTrustStore } from "@tfgrid/tfchain";
import { createGateway, type Gateway } from "@tfgrid/web-gateway";
import { linuxCompute, type LinuxCompute, linuxStorage, type LinuxStorage } from "../drivers/index.ts";
import { readBootMs } from "../identity/boot-marker.ts";
import { type Identity, openIdentity } from "../identity/identity.ts";
import { lockDataDir } from "../identity/lock.ts";
import { serveNodeApi } from "../node-api/serve.ts";
import { type PowerControl, machinePower, processPower } from "../power/control.ts";
import { nodeProfileOf } from "../registration/profile.ts";
import type { Registration } from "../registration/register.ts";
import { SOFTWARE_VERSION } from "../version.ts";
import { Agent } from "./agent.ts";
import type { NodeConfig } from "./config.ts";
import { fileContractStore, fileRunStore } from "./contract-store.ts";
import { linuxGateway } from "./linux-gateway.ts";
import { linuxNetworks, type LinuxNetworks } from "./linux-networks.ts";
import { fileUsageStore } from "../reporting/usage.ts";
import { fileNodeStore } from "./node-store.ts";
import { placesOf } from "./places.ts";

export interface StartNodeOptions {
  readonly config: NodeConfig;
  readonly logger: Logger;
}

export interface RunningNode {
  readonly agent: Agent;
  /** Resolves when the ledger knows the node. */
  readonly registered: Promise<Registration>;
  readonly networks: LinuxNetworks;
  /** Ends the agent; zmachines, networks and HAProxy go on. */
  stop(): Promise<void>;
}

interface Machine {
  readonly compute: LinuxCompute;
  readonly storage: LinuxStorage;
  readonly networks: LinuxNetworks;
  readonly gateway: Gateway | undefined;
}

export async function startNode({ config, logger }: StartNodeOptions): Promise<RunningNode> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const unlock = await lockDataDir(config.dataDir);
  try {
    return await startLocked({ config, logger }, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function startLocked({ config, logger }: StartNodeOptions, unlock: () => Promise<void>): Promise<RunningNode> {
  const { dataDir } = config;
  const identity = await openIdentity({ dataDir, entropy: systemEntropy });
  const machine = await openMachine(config, identity, logger);
  const { chainId } = config.chain.trust;
  const trustStore = fileTrustStore({ path: join(dataDir, "trusted-header.json"), logger });
  const chain = connectChain({ ...config.chain, trustStore, logger });
  const notary = connectNotary({ urls: config.notary.urls, chain: chain.proven });
  const session = new Session({ config, machine, chain, identity, logger });
  const agent = new Agent({
    world: { chain, notary, clock: systemClock, entropy: systemEntropy, logger, identity, chainId },
    joinToken: config.joinToken,
    relays: config.relays,
    profile: await nodeProfileOf(config, identity),
    bootMs: await readBootMs({ dataDir, clock: systemClock, bootId: bootId() }),
    drivers: { compute: machine.compute, storage: machine.storage, networks: machine.networks },
    stores: {
      contracts: fileContractStore({ dataDir, logger }),
      runs: fileRunStore({ dataDir, logger }),
      node: fileNodeStore({ dataDir, logger }),
      usage: fileUsageStore({ dataDir, logger }),
    },
    power: powerOf(config),
    onRegistered: (registration, running) => session.join(registration, running),
    ...gatewayOption(config, machine),
  });
  await agent.start();
  return {
    agent,
    registered: agent.registered,
    networks: machine.networks,
    stop: async () => {
      await agent.stop();
      await session.leave();
      await machine.gateway?.stop();
      machine.compute.close();
      await chain.close();
      await unlock();
    },
  };
}

function powerOf({ power, uplink }: NodeConfig): PowerControl | undefined {
  if (power === undefined) return undefined;
  return power === "machine" ? machinePower({ iface: uplink.iface, clock: systemClock }) : processPower({ clock: systemClock });
}

function gatewayOption({ gateway }: NodeConfig, machine: Machine) {
  if (gateway === undefined || machine.gateway === undefined) return {};
  const control = linuxGateway(machine.gateway, (znet) => machine.networks.netnsOf(znet));
  return { gateway: { domain: gateway.domain, control } };
}

/** The kernel's name for this run of the machine. */
const bootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

async function openMachine(config: NodeConfig, identity: Identity, logger: Logger): Promise<Machine> {
  const places = placesOf(config);
  const { machine, registriesConf, capacity, uplink, dnsUpstreams, meshPorts: portRange } = config;
  const wireguardGo = config.wireguardGo ?? (await ensureWireguardGo({ cacheDir: places.networkDir, logger }));
  await mkdir(places.networkDir, { recursive: true, mode: 0o700 });
  const driver = linuxNetwork({
    machineNetns: machine,
    dataDir: places.networkDir,
    uplink: { iface: uplink.iface, ...(uplink.address === undefined ? {} : { address: uplink.address }) },
    portRange,
    dnsUpstreams,
    ...(wireguardGo === undefined ? {} : { wireguardGo }),
    logger,
  });
  // Before anything else: from here on the core answers nobody.
  await driver.ensureNode({ gateway: config.gateway !== undefined });
  const [compute, storage] = await Promise.all([
    linuxCompute({
      dataDir: places.computeDir,
      cgroupParent: places.cgroupParent,
      runDir: places.computeRunDir,
      ...(registriesConf === undefined ? {} : { registriesConf }),
      logger,
    }),
    linuxStorage({
      dataDir: places.volumeDir,
      mountDir: places.volumeMountDir,
      ...(capacity?.ssdBytes === undefined ? {} : { maxBytes: capacity.ssdBytes + (capacity.hddBytes ?? 0) }),
      logger,
    }),
  ]);
  return { compute, storage, networks: linuxNetworks({ driver, identity, config, logger }), gateway: await openGateway(config, logger) };
}

async function openGateway(config: NodeConfig, logger: Logger): Promise<Gateway | undefined> {
  if (config.gateway === undefined) return undefined;
  const { gatewayDir, gatewayNetns } = placesOf(config);
  const { domain } = config.gateway;
  return createGateway({ machine: config.machine, netns: gatewayNetns, dataDir: gatewayDir, domain, listen: { http: 80, https: 443 }, logger });
}

interface SessionOptions {
  readonly config: NodeConfig;
  readonly machine: Machine;
  readonly chain: ChainClient;
  readonly identity: Identity;
  readonly logger: Logger;
}

/** What needs the node's name on the ledger: messaging, the node's API, measured paths. */
class Session {
  readonly #options: SessionOptions;
  readonly #startedAtMs = systemClock.nowMs();
  #messenger: Messenger | undefined;
  #served = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  async join(registration: Registration, agent: Agent): Promise<void> {
    const { config, machine, chain, identity, logger } = this.#options;
    const { twinId, nodeId } = registration;
    const resolve = chainTwinResolver(chain.proven);
    this.#messenger ??= await connectMessenger({ keyPair: identity.keys, twinId, relays: config.relays, resolve, logger });
    if (!this.#served) this.#serve(this.#messenger, registration, agent);
    // Keys and addresses of other ends come from here: proven, as all that the node acts on.
    await machine.networks.join({ nodeId, chain: { nodes: (page) => chain.nodes(page), ...chain.proven }, messenger: this.#messenger });
  }

  async leave(): Promise<void> {
    await this.#messenger?.stop();
  }

  #serve(messenger: Messenger, registration: Registration, agent: Agent): void {
    const entries = () => agent.book?.entries ?? new Map();
    serveNodeApi(messenger, {
      facts: {
        entries,
        reports: () => agent.reports,
        solution: (contractId) => {
          const solutionId = agent.book?.entries.get(contractId)?.held?.instruction.solutionId;
          return solutionId === undefined ? undefined : agent.solutions.views.get(solutionId)?.solution;
        },
      },
      compute: this.#options.machine.compute,
      registration,
      softwareVersion: SOFTWARE_VERSION,
      startedAtMs: this.#startedAtMs,
      clock: systemClock,
    });
    this.#served = true;
  }
}
