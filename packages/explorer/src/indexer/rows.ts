/** Ledger entity -> table rows. Pure. */
import { chain, type Contract, type Farm, type Node, type Pricing, type Solution, type Twin, runtime } from "@tfgrid/tfchain";
import { cloudUnits, type Resources, type Schema } from "@tfgrid/primitives";
import type { Insertable } from "kysely";
import type { Tables } from "../store/schema.ts";

const HOURS_PER_MONTH = 720;
const MICRO_USD = 1e6;

const bodyOf = <T>(schema: Schema<T>, value: T): string => JSON.stringify(schema.toJson(value));
const seconds = (ms: number): number => Math.floor(ms / 1000);

export function farmRow(farm: Farm): Insertable<Tables["farms"]> {
  return {
    farm_id: farm.id,
    twin_id: farm.twinId,
    name: farm.name,
    dedicated: Number(farm.dedicated),
    certification: farm.certification === "gold" ? "Gold" : "NotCertified",
    total_ips: farm.publicIps.length,
    free_ips: farm.publicIps.filter((ip) => ip.contractId === null).length,
    body: bodyOf(chain.farm, farm),
  };
}

export function publicIpRows(farm: Farm): Insertable<Tables["public_ips"]>[] {
  return farm.publicIps.map(({ ip, gateway, contractId }) => ({
    id: `${farm.id}-${ip}`,
    farm_id: farm.id,
    ip,
    gateway,
    contract_id: contractId ?? 0,
  }));
}

export function twinRow(twin: Twin): Insertable<Tables["twins"]> {
  return {
    twin_id: twin.id,
    account_id: twin.account,
    relay: twin.relays.join(","),
    public_key: twin.encryptionKey,
    body: bodyOf(chain.twin, twin),
  };
}

/** USD for 30 days of the whole node, by what its farm asks for (what it has announced counts already), with three decimals. */
export function monthlyPriceUsd(node: Node, pricing: Pricing, farm: Farm | undefined): number {
  const { cuMicro, suMicro } = cloudUnits(node.total);
  const perHour = (Number(cuMicro) * pricing.cuMicroUsdPerHour + Number(suMicro) * pricing.suMicroUsdPerHour) / 1e6;
  const factor = node.certification === "certified" ? 1 + pricing.certifiedPercent / 100 : 1;
  const percent = farm === undefined ? 100 : runtime.announcedTerms(farm).computePercent;
  return Math.round(((perHour * factor * (percent / 100) * HOURS_PER_MONTH) / MICRO_USD) * 1000) / 1000;
}

/** The grid proxy counts whole cores: offered ones are rounded down, taken ones up, so that nobody plans with a core that is not there. */
function resourceColumns(total: Resources, used: Resources) {
  return {
    total_cru: Math.floor(total.cpuMilli / 1000),
    total_mru: total.memoryBytes,
    total_sru: total.ssdBytes,
    total_hru: total.hddBytes,
    used_cru: Math.ceil(used.cpuMilli / 1000),
    used_mru: used.memoryBytes,
    used_sru: used.ssdBytes,
    used_hru: used.hddBytes,
  };
}

export function nodeRow(node: Node, pricing: Pricing, farm: Farm | undefined): Insertable<Tables["nodes"]> {
  return {
    node_id: node.id,
    farm_id: node.farmId,
    twin_id: node.twinId,
    up: Number(node.up),
    uptime: node.uptimeSec,
    created: seconds(node.createdAtMs),
    updated_at: seconds(node.lastHeartbeatMs),
    country: node.location.country,
    city: node.location.city,
    ...resourceColumns(node.total, node.reserved),
    ipv4: node.publicConfig?.ipv4 ?? "",
    ipv6: node.publicConfig?.ipv6 ?? "",
    domain: node.publicConfig?.domain ?? "",
    certification: node.certification === "certified" ? "Certified" : "Diy",
    price_usd: monthlyPriceUsd(node, pricing, farm),
    body: bodyOf(chain.node, node),
  };
}

const CONTRACT_STATES = { created: "Created", grace: "GracePeriod", deleted: "Deleted" } as const;

export function contractRow(contract: Contract): Omit<Insertable<Tables["contracts"]>, "told"> {
  const isNode = contract.type === "node";
  return {
    contract_id: contract.id,
    type: contract.type,
    twin_id: contract.twinId,
    node_id: contract.type === "name" ? contract.gatewayNodeId : contract.nodeId,
    solution_id: contract.solutionId ?? 0,
    state: CONTRACT_STATES[contract.state],
    created_at: seconds(contract.createdAtMs),
    name: contract.type === "name" ? contract.name : "",
    deployment_hash: isNode ? contract.instruction : "",
    public_ips: isNode ? contract.publicIps : 0,
    body: bodyOf(chain.contract, contract),
  };
}

export function solutionRow(solution: Solution): Insertable<Tables["solutions"]> {
  return {
    solution_id: solution.id,
    name: solution.name,
    twin_id: solution.twinId,
    agent_twin_id: solution.agentTwinId,
    state: solution.state,
    version: solution.version,
    created_at: seconds(solution.createdAtMs),
    body: bodyOf(chain.solution, solution),
  };
}
