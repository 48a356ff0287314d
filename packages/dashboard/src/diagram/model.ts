/** What the picture of a solution shows, read from its contracts and the nodes' reports. Pure. */
import type { Contract, NodeContract } from "@tfgrid/tfchain";

type Zmachine = NonNullable<NodeContract["report"]>["zmachines"][number];

export interface MachineBox {
  readonly name: string;
  readonly service: string;
  readonly state: string;
  readonly addresses: readonly string[];
  readonly startedAtMs: number;
  readonly restarts: number;
  readonly message: string | undefined;
}

export interface NodeBox {
  readonly nodeId: number;
  readonly where: string;
  readonly up: boolean;
  /** The node's word on its part, or what the ledger says while it has none. */
  readonly state: string;
  readonly message: string | undefined;
  readonly gateway: boolean;
  readonly machines: readonly MachineBox[];
}

export interface RouteBox {
  readonly name: string;
  readonly host: string;
  readonly nodeId: number;
  /** Healthy zmachines behind it; undefined while the gateway has not reported. */
  readonly backends: number | undefined;
  readonly message: string | undefined;
}

export interface Picture {
  readonly routes: readonly RouteBox[];
  readonly networks: readonly { readonly name: string; readonly cidr: string }[];
  readonly nodes: readonly NodeBox[];
}

export interface KnownNode {
  readonly nodeId: number;
  readonly city: string;
  readonly country: string;
  readonly status: string;
  readonly publicConfig: { readonly domain: string };
}

const machineBox = (machine: Zmachine): MachineBox => ({
  name: machine.name,
  service: machine.service,
  state: machine.state,
  addresses: machine.addresses.map(({ ip }) => ip.replace(/\/\d+$/, "")),
  startedAtMs: machine.startedAtMs,
  restarts: machine.restarts,
  message: machine.message,
});

/** A lost node's last report is history: what it ran is not known to run. */
function nodeBox(contracts: readonly NodeContract[], nodeId: number, known: KnownNode | undefined): NodeBox {
  const up = known === undefined || known.status === "up";
  const reports = contracts.flatMap((contract) => (contract.report === null ? [] : [contract.report]));
  const last = reports.at(-1);
  const grace = contracts.some((contract) => contract.state === "grace");
  return {
    nodeId,
    where: known === undefined ? "" : [known.city, known.country].filter((word) => word !== "").join(", "),
    up,
    state: up ? (grace ? "paused" : (last?.state ?? "waiting")) : "down",
    message: last?.message,
    gateway: reports.some((report) => report.routes.length > 0),
    machines: reports
      .flatMap((report) => report.zmachines)
      .map((machine) => (up ? machineBox(machine) : { ...machineBox(machine), state: "unknown" }))
      .sort((a, b) => a.name.localeCompare(b.name)),
  };
}

export function pictureOf(contracts: readonly Contract[], known: ReadonlyMap<number, KnownNode>): Picture {
  const parts = contracts.filter((contract): contract is NodeContract => contract.type === "node" && contract.state !== "deleted");
  const names = contracts.flatMap((contract) => (contract.type === "name" && contract.state !== "deleted" ? [contract] : []));
  const ids = [...new Set(parts.map((part) => part.nodeId))].sort((a, b) => a - b);
  const served = parts.flatMap((part) => (part.report?.routes ?? []).map((route) => ({ ...route, nodeId: part.nodeId })));
  const routes = names.map((name): RouteBox => {
    const route = served.find(({ host, nodeId }) => nodeId === name.gatewayNodeId && (host === name.name || host.startsWith(`${name.name}.`)));
    const domain = known.get(name.gatewayNodeId)?.publicConfig.domain ?? "";
    return { name: name.name, host: route?.host ?? (domain === "" ? name.name : `${name.name}.${domain}`), nodeId: name.gatewayNodeId, backends: route?.backends, message: route?.message };
  });
  const networks = new Map(parts.flatMap((part) => part.networks.map(({ name, cidr }) => [name, { name, cidr }] as const)));
  return {
    routes,
    networks: [...networks.values()],
    nodes: ids.map((id) => nodeBox(parts.filter((part) => part.nodeId === id), id, known.get(id))).sort((a, b) => Number(b.machines.length > 0) - Number(a.machines.length > 0)),
  };
}
