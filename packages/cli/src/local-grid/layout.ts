/** Where everything of one local grid lives: names, addresses, ports and files, all derived from the state folder. */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

export interface NodeLayout {
  /** `n1`, `n2`, `n3`, `gw1`. */
  readonly name: string;
  readonly role: "compute" | "gateway";
  /** Network namespace that stands for the physical machine. */
  readonly machine: string;
  /** Host side of the machine's network cable. */
  readonly hostLink: string;
  readonly address: string;
  readonly dataDir: string;
  readonly location: { readonly country: string; readonly city: string; readonly latitudeMicro: number; readonly longitudeMicro: number };
}

/** One server of the ledger: our program, and with CometBFT that beside it. */
export interface ChainServerLayout {
  /** `chain` for the one authority, `chain-1` and so on for validators. */
  readonly name: string;
  readonly address: string;
  readonly rpcPort: number;
  /** Where validators speak to each other; the one authority speaks to nobody. */
  readonly p2pPort: number;
  readonly dataDir: string;
}

export interface GridLayout {
  readonly stateDir: string;
  /** Four hex digits of the state folder's path: several grids can run side by side. */
  readonly gridId: string;
  /** Prefix of every namespace, link, table and cgroup that this grid makes. */
  readonly prefix: string;
  readonly bridge: string;
  /** First three octets of the /24 that stands for the farmers' Internet. */
  readonly subnet: string;
  readonly hostAddress: string;
  readonly ports: {
    readonly chain: number;
    readonly notary: number;
    readonly relay: number;
    readonly registry: number;
    /** On loopback, for people's browsers. */
    readonly explorer: number;
    readonly gatewayHttp: number;
    readonly gatewayHttps: number;
  };
  readonly domain: string;
  readonly nodes: readonly NodeLayout[];
  /** 0: one authority, engine `solo`; otherwise so many validators of CometBFT. */
  readonly validators: number;
  /** At least one; clients begin with one and go on with the others. */
  readonly chains: readonly [ChainServerLayout, ...ChainServerLayout[]];
  readonly files: {
    readonly grid: string;
    readonly endpoints: string;
    readonly supervisorPid: string;
    readonly processes: string;
    readonly keys: string;
    readonly logs: string;
    readonly configs: string;
    readonly registriesConf: string;
  };
}

/** Names under which images are pushed to the grid's own registry. */
export const REGISTRY_NAME = "registry.grid.localhost";
/** Browsers and curl resolve *.localhost to loopback (RFC 6761 section 6.3): no hosts file to edit. */
export const GATEWAY_DOMAIN = "grid.localhost";

const CHAIN_PORT = 8545;
/** CometBFT's usual port. */
const P2P_PORT = 26_656;
/** Addresses of validators end in 1 to 9, those of 3Nodes begin at 11. */
export const MAX_VALIDATORS = 9;

const PLACES = [
  { country: "Belgium", city: "Ghent", latitudeMicro: 51_054_340, longitudeMicro: 3_717_424 },
  { country: "Germany", city: "Nuremberg", latitudeMicro: 49_452_102, longitudeMicro: 11_076_665 },
  { country: "Egypt", city: "Cairo", latitudeMicro: 30_044_420, longitudeMicro: 31_235_712 },
  { country: "Netherlands", city: "Amsterdam", latitudeMicro: 52_367_574, longitudeMicro: 4_904_139 },
] as const;

export interface LayoutOptions {
  readonly stateDir: string;
  readonly computeNodes: number;
  /** Default 0: one authority. */
  readonly validators?: number | undefined;
  /** `10.91.7` for example; derived from the grid id when omitted. */
  readonly subnet?: string | undefined;
}

export function gridIdOf(stateDir: string): string {
  return createHash("sha256").update(resolve(stateDir)).digest("hex").slice(0, 4);
}

export function layoutOf(options: LayoutOptions): GridLayout {
  const stateDir = resolve(options.stateDir);
  const gridId = gridIdOf(stateDir);
  const prefix = `tfg${gridId}`;
  // 10.91.0-255.x: an octet of the id keeps grids of other state folders apart.
  const subnet = options.subnet ?? `10.91.${Number.parseInt(gridId.slice(0, 2), 16)}`;
  const compute = Array.from({ length: options.computeNodes }, (_, index) => nodeLayout({ stateDir, prefix, subnet, name: `n${index + 1}`, role: "compute", index }));
  const validators = options.validators ?? 0;
  const gateway = nodeLayout({ stateDir, prefix, subnet, name: "gw1", role: "gateway", index: options.computeNodes });
  return {
    stateDir,
    gridId,
    prefix,
    bridge: `${prefix}-br`,
    subnet,
    hostAddress: `${subnet}.1`,
    ports: { chain: CHAIN_PORT, notary: 8546, relay: 8547, registry: 5000, explorer: 8000, gatewayHttp: 8080, gatewayHttps: 8443 },
    domain: GATEWAY_DOMAIN,
    nodes: [...compute, gateway],
    validators,
    chains: [chainServer({ stateDir, subnet, validators, index: 0 }), ...Array.from({ length: Math.max(0, validators - 1) }, (_, index) => chainServer({ stateDir, subnet, validators, index: index + 1 }))],
    files: {
      grid: join(stateDir, "grid.json"),
      endpoints: join(stateDir, "endpoints.json"),
      supervisorPid: join(stateDir, "run", "supervisor.pid"),
      processes: join(stateDir, "run", "processes.json"),
      keys: join(stateDir, "keys"),
      logs: join(stateDir, "logs"),
      configs: join(stateDir, "run", "configs"),
      registriesConf: join(stateDir, "run", "registries.conf"),
    },
  };
}

/** Each validator has an address of its own, as it would on a machine of its own, and the same ports. */
function chainServer(options: { readonly stateDir: string; readonly subnet: string; readonly validators: number; readonly index: number }): ChainServerLayout {
  const { stateDir, subnet, validators, index } = options;
  const name = validators === 0 ? "chain" : `chain-${index + 1}`;
  return { name, address: `${subnet}.${1 + index}`, rpcPort: CHAIN_PORT, p2pPort: P2P_PORT, dataDir: join(stateDir, name) };
}

interface NodeLayoutOptions {
  readonly stateDir: string;
  readonly prefix: string;
  readonly subnet: string;
  readonly name: string;
  readonly role: NodeLayout["role"];
  readonly index: number;
}

function nodeLayout(options: NodeLayoutOptions): NodeLayout {
  const { stateDir, prefix, subnet, name, role, index } = options;
  return {
    name,
    role,
    machine: `${prefix}-${name}`,
    hostLink: `${prefix}-${name}`,
    address: `${subnet}.${11 + index}`,
    dataDir: join(stateDir, "nodes", name),
    location: PLACES[index % PLACES.length] ?? PLACES[0],
  };
}
