/** Which host names a gateway node serves and where they lead: instructions, name contracts and reports put together. Pure. */
import type { Ingress } from "@tfgrid/notary";
import type { NodeId, SolutionId } from "@tfgrid/primitives";
import type { Node, NodeContract, Report } from "@tfgrid/tfchain";
import type { DesiredContract } from "../provisioning/model.ts";
import { znetKey } from "../provisioning/keys.ts";
import { faultOf } from "../provisioning/restart.ts";
import type { SolutionView } from "./solution-book.ts";

export interface WantedRoute {
  readonly host: string;
  readonly solutionId: SolutionId;
  /** The private network through which the backends are reached. */
  readonly znet: string;
  readonly tls: Ingress["tls"];
  readonly backends: readonly { readonly name: string; readonly ip: string; readonly port: number }[];
}

export interface RoutePlan {
  readonly routes: readonly WantedRoute[];
  /** Per contract: what its report says about routes. */
  readonly reports: ReadonlyMap<number, Report["routes"]>;
}

export interface RouteInput {
  readonly nodeId: NodeId;
  readonly domain: string;
  readonly contracts: readonly (DesiredContract & { readonly routes: readonly Ingress[] })[];
  readonly views: ReadonlyMap<SolutionId, SolutionView>;
  readonly nodes: ReadonlyMap<NodeId, Node>;
}

export function planRoutes({ nodeId, domain, contracts, views, nodes }: RouteInput): RoutePlan {
  const routes: WantedRoute[] = [];
  const reports = new Map<number, Report["routes"]>();
  const taken = new Set<string>();
  for (const contract of contracts) {
    const view = views.get(contract.solutionId);
    const lines: Report["routes"][number][] = [];
    for (const ingress of contract.routes) {
      const host = `${ingress.name}.${domain}`;
      const owned = view?.nameContracts.some((name) => name.name === ingress.name && name.gatewayNodeId === nodeId && name.state === "created");
      if (owned !== true || taken.has(host)) {
        lines.push({ host, backends: 0, ...faultOf("node.route_without_name") });
        continue;
      }
      taken.add(host);
      const paused = contract.mode === "pause";
      const backends = paused ? [] : backendsOf(reachable(view, { nodeId, nodes }), ingress);
      const znet = znetKey(contract.solutionId, ingress.network);
      routes.push({ host, solutionId: contract.solutionId, znet, tls: ingress.tls, backends });
      lines.push({ host, backends: backends.length, ...(backends.length === 0 ? faultOf("node.route_without_backend") : {}) });
    }
    reports.set(contract.contractId, lines);
  }
  return { routes, reports };
}

/** A node that the ledger has not heard of lately no longer corrects its reports; if all others are silent it is the ledger that was away. */
function reachable(view: SolutionView | undefined, { nodeId, nodes }: Pick<RouteInput, "nodeId" | "nodes">): readonly NodeContract[] {
  const contracts = view?.nodeContracts ?? [];
  const isSilent = (contract: NodeContract): boolean => nodes.get(contract.nodeId)?.up === false;
  const allSilent = contracts.filter((contract) => contract.nodeId !== nodeId).every(isSilent);
  return allSilent ? contracts : contracts.filter((contract) => !isSilent(contract));
}

/**
 * Healthy ones; those without a health check when they run. A zmachine whose check has not answered yet is `running`
 * too: it takes part only when its service has no healthy one and no other replica ever became healthy.
 */
function backendsOf(contracts: readonly NodeContract[], ingress: Ingress): WantedRoute["backends"] {
  const replicas = contracts
    .filter(({ state }) => state === "created")
    .flatMap(({ report }) => report?.zmachines ?? [])
    .filter(({ service }) => service === ingress.service);
  const healthy = replicas.filter(({ state }) => state === "healthy");
  const serving = healthy.length > 0 ? healthy : replicas.filter(({ state }) => state === "running");
  return serving
    .flatMap((zmachine) => {
      const ip = zmachine.addresses.find(({ network }) => network === ingress.network)?.ip;
      return ip === undefined ? [] : [{ name: zmachine.name, ip, port: ingress.port }];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
