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

const PLACES = [
  { country: "Belgium", city: "Ghent", latitudeMicro: 51_054_340, longitudeMicro: 3_717_424 },
  { country: "Germany", city: "Nuremberg", latitudeMicro: 49_452_102, longitudeMicro: 11_076_665 },
  { country: "Egypt", city: "Cairo", latitudeMicro: 30_044_420, longitudeMicro: 31_235_712 },
  { country: "Netherlands", city: "Amsterdam", latitudeMicro: 52_367_574, longitudeMicro: 4_904_139 },
] as const;

export interface LayoutOptions {
  readonly stateDir: string;
  readonly computeNodes: number;
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
  const gateway = nodeLayout({ stateDir, prefix, subnet, name: "gw1", role: "gateway", index: options.computeNodes });
  return {
    stateDir,
    gridId,
    prefix,
    bridge: `${prefix}-br`,
    subnet,
    hostAddress: `${subnet}.1`,
    ports: { chain: 8545, notary: 8546, relay: 8547, registry: 5000, explorer: 8000, gatewayHttp: 8080, gatewayHttps: 8443 },
    domain: GATEWAY_DOMAIN,
    nodes: [...compute, gateway],
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
