/** `/nodes` and `/gateways` in the grid proxy's shape. */
import { chain, runtime } from "@tfgrid/tfchain";
import { sql } from "kysely";
import { fail } from "../errors.ts";
import type { Tables } from "../store/schema.ts";
import type { Table } from "./list.ts";
import { atLeast, bool, column, type Condition, contains, equals, float, is, oneOf, same, text, texts, uint, uints } from "./params.ts";

export const NODE_STATUSES = ["up", "down", "standby"] as const;

/** What the grid proxy knows as features; a node here has those that Zero-OS of this grid offers. */
export const NODE_FEATURES = [
  "zmount",
  "zdb",
  "volume",
  "ipv4",
  "ip",
  "gateway-name-proxy",
  "gateway-fqdn-proxy",
  "qsfs",
  "zlogs",
  "network",
  "zmachine",
  "zmachine-light",
  "network-light",
  "wireguard",
  "yggdrasil",
  "mycelium",
] as const;
const COMMON_FEATURES = ["zmachine", "network", "volume", "zlogs", "wireguard"];
const GATEWAY_FEATURES = ["gateway-name-proxy"];

type NodeRow = Tables["nodes"] & {
  farm_name: string;
  farm_dedicated: number;
  farm_free_ips: number;
  farm_twin_id: number;
  contracts: number;
  /** 0: nobody rents it. */
  rent_id: number;
  rent_twin_id: number;
};

/** By its farm, by its renter, or while it is empty. */
const dedicated = sql`coalesce(f.dedicated, 0) = 1 or n.contracts = 0 or n.rent_contract is not null`;
/** Only a node without contracts is rented as a whole. */
const rentable = sql`n.contracts = 0 and n.rent_contract is null`;
const rented = sql`n.rent_contract is not null`;
const rentedBy = (twinId: number) => sql`coalesce(r.twin_id, 0) = ${twinId}`;
/** The rent of a row of `nodes`: at most one lives. */
export const rentOfNode = (alias: string) => sql`(select max(c.contract_id) from contracts c where c.node_id = ${column(`${alias}.node_id`)} and c.state <> 'Deleted' and c.type = 'rent')`;
const NEVER = sql`1 = 0`;
const ALWAYS = sql`1 = 1`;

/** `standby`: asleep by its farmer's wish. */
const asleep = (alias: string) => sql`coalesce(json_extract(${column(`${alias}.body`)}, '$.power.state'), 'up') = 'down'`;
const STATUS_SQL = {
  up: (alias: string) => sql`${column(`${alias}.up`)} = 1`,
  down: (alias: string) => sql`(${column(`${alias}.up`)} = 0 and not ${asleep(alias)})`,
  standby: (alias: string) => asleep(alias),
} as const satisfies Record<(typeof NODE_STATUSES)[number], (alias: string) => Condition>;

export const statusCondition = (alias: string) => (words: readonly string[]) => {
  const lower = words.map((word) => word.toLowerCase());
  const wanted = NODE_STATUSES.filter((status) => lower.includes(status));
  if (words.length === 0) return ALWAYS;
  return wanted.length === 0 ? NEVER : sql`(${sql.join(wanted.map((status) => STATUS_SQL[status](alias)), sql` or `)})`;
};

function featureCondition(words: readonly string[]) {
  const rest = words.map((word) => word.toLowerCase()).filter((word) => !COMMON_FEATURES.includes(word));
  if (rest.length === 0) return ALWAYS;
  return rest.every((word) => GATEWAY_FEATURES.includes(word)) ? sql`n.domain <> ''` : NEVER;
}

const free = (what: string) => sql`(${column(`n.total_${what}`)} - ${column(`n.used_${what}`)})`;
const SHARE_LEFT: readonly (readonly [number, number])[] = [
  [18, 0.4],
  [6, 0.6],
  [3, 0.7],
  [1.5, 0.8],
];

/** The staking discount of the original: by how many months the balance (in USD) would pay the node. */
export function discounted(price: number, balance: number): number {
  const share = price > 0 ? (SHARE_LEFT.find(([months]) => balance >= price * months)?.[1] ?? 1) : 1;
  return Math.round(price * share * 1000) / 1000;
}

/** A rent counts before the farm's own rule. */
const available = (twinId: number) => sql`(${rentedBy(twinId)} or (n.rent_contract is null and coalesce(f.dedicated, 0) = 0))`;

export const nodeTable: Table = {
  typeName: "Node",
  columns: sql`n.*, coalesce(f.name, '') as farm_name, coalesce(f.dedicated, 0) as farm_dedicated,
    coalesce(f.free_ips, 0) as farm_free_ips, coalesce(f.twin_id, 0) as farm_twin_id, coalesce(r.contract_id, 0) as rent_id, coalesce(r.twin_id, 0) as rent_twin_id`,
  from: sql`(select nodes.*, (select count(*) from contracts c where c.node_id = nodes.node_id and c.state <> 'Deleted' and c.type = 'node') as contracts,
    ${rentOfNode("nodes")} as rent_contract from nodes) n left join farms f on f.farm_id = n.farm_id left join contracts r on r.contract_id = n.rent_contract`,
  tieBreak: sql`n.node_id`,
  filters: {
    status: texts(statusCondition("n"), NODE_STATUSES),
    free_mru: uint((value) => sql`${free("mru")} >= ${value}`),
    free_sru: uint((value) => sql`${free("sru")} >= ${value}`),
    free_hru: uint((value) => sql`${free("hru")} >= ${value}`),
    total_mru: uint(atLeast("n.total_mru")),
    total_sru: uint(atLeast("n.total_sru")),
    total_hru: uint(atLeast("n.total_hru")),
    total_cru: uint(atLeast("n.total_cru")),
    country: text(same("n.country")),
    city: text(same("n.city")),
    farm_name: text(same("f.name")),
    country_contains: text(contains("n.country")),
    city_contains: text(contains("n.city")),
    farm_name_contains: text(contains("f.name")),
    farm_ids: uints(oneOf("n.farm_id")),
    node_ids: uints(oneOf("n.node_id")),
    node_id: uint(equals("n.node_id")),
    twin_id: uint(equals("n.twin_id")),
    excluded: uints((ids) => (ids.length === 0 ? ALWAYS : sql`not (${oneOf("n.node_id")(ids)})`)),
    free_ips: uint((value) => sql`coalesce(f.free_ips, 0) >= ${value}`),
    ipv4: bool(is(sql`n.ipv4 <> ''`)),
    ipv6: bool(is(sql`n.ipv6 <> ''`)),
    has_ipv6: bool(is(sql`n.ipv6 <> ''`)),
    domain: bool(is(sql`n.domain <> ''`)),
    dedicated: bool(is(dedicated)),
    in_dedicated_farm: bool(is(sql`coalesce(f.dedicated, 0) = 1`)),
    rentable: bool(is(rentable)),
    rented: bool(is(rented)),
    rented_by: uint(rentedBy),
    available_for: uint(available),
    rentable_or_rented_by: uint((twinId) => sql`((${rentable}) or ${rentedBy(twinId)})`),
    owned_by: uint(equals("f.twin_id")),
    certification_type: text(same("n.certification")),
    has_gpu: bool(() => NEVER),
    num_gpu: uint((value) => (value === 0 ? ALWAYS : NEVER)),
    gpu_device_name: text(() => NEVER),
    gpu_vendor_name: text(() => NEVER),
    gpu_device_id: text(() => NEVER),
    gpu_vendor_id: text(() => NEVER),
    gpu_available: bool(() => NEVER),
    healthy: bool(is(sql`n.up = 1`)),
    price_min: float((value) => sql`n.price_usd >= ${value}`),
    price_max: float((value) => sql`n.price_usd <= ${value}`),
    features: texts(featureCondition, NODE_FEATURES),
  },
  aliases: { farm_id: "farm_ids", rentedBy: "rented_by", farmName: "farm_name" },
  sorts: {
    node_id: sql`n.node_id`,
    farm_id: sql`n.farm_id`,
    twin_id: sql`n.twin_id`,
    status: sql`1 - n.up`,
    uptime: sql`n.uptime`,
    created: sql`n.created`,
    updated_at: sql`n.updated_at`,
    country: sql`n.country`,
    city: sql`n.city`,
    dedicated_farm: sql`coalesce(f.dedicated, 0)`,
    rent_contract_id: sql`coalesce(r.contract_id, 0)`,
    rented: sql`(${rented})`,
    rentable: sql`(${rentable})`,
    num_gpu: sql`0 * n.node_id`,
    extra_fee: sql`0 * n.node_id`,
    price_usd: sql`n.price_usd`,
    total_cru: sql`n.total_cru`,
    total_mru: sql`n.total_mru`,
    total_sru: sql`n.total_sru`,
    total_hru: sql`n.total_hru`,
    used_cru: sql`n.used_cru`,
    used_mru: sql`n.used_mru`,
    used_sru: sql`n.used_sru`,
    used_hru: sql`n.used_hru`,
    free_cru: free("cru"),
  },
  defaultSort: "node_id",
  shape: (row: NodeRow, query) => nodeShape(row, Number(query.get("balance")?.at(-1) ?? 0)),
};

const POWER_WORDS = { up: "Up", down: "Down" } as const;

function nodeShape(row: NodeRow, balance: number) {
  if (!Number.isFinite(balance)) throw fail("explorer.invalid_parameter", { message: '"balance": expected a number' });
  const node = chain.node.fromJson(JSON.parse(row.body));
  const { country, city, latitudeMicro, longitudeMicro } = node.location;
  const isRented = row.rent_id > 0;
  const isDedicated = row.farm_dedicated === 1 || row.contracts === 0 || isRented;
  return {
    id: `node-${row.node_id}`,
    nodeId: row.node_id,
    farmId: row.farm_id,
    farmName: row.farm_name,
    twinId: row.twin_id,
    country,
    city,
    gridVersion: 3,
    uptime: row.uptime,
    created: row.created,
    farmingPolicyId: 1,
    updatedAt: row.updated_at,
    total_resources: { cru: row.total_cru, sru: row.total_sru, hru: row.total_hru, mru: row.total_mru },
    used_resources: { cru: row.used_cru, sru: row.used_sru, hru: row.used_hru, mru: row.used_mru },
    location: { country, city, longitude: longitudeMicro / 1e6, latitude: latitudeMicro / 1e6 },
    publicConfig: { domain: row.domain, gw4: "", gw6: "", ipv4: row.ipv4, ipv6: row.ipv6 },
    status: row.up === 1 ? "up" : runtime.isAsleep(node) ? "standby" : "down",
    certificationType: row.certification,
    dedicated: isDedicated,
    inDedicatedFarm: row.farm_dedicated === 1,
    rentContractId: row.rent_id,
    rented: isRented,
    rentable: row.contracts === 0 && !isRented,
    rentedByTwinId: row.rent_twin_id,
    serialNumber: "",
    power: { state: POWER_WORDS[node.power?.state ?? "up"], target: POWER_WORDS[node.power?.target ?? "up"] },
    num_gpu: 0,
    extraFee: 0,
    healthy: row.up === 1,
    dmi: { bios: { vendor: "", version: "" }, baseboard: { manufacturer: "", product_name: "" }, processor: [], memory: [], UpdatedAt: 0 },
    speed: { upload: 0, download: 0, UpdatedAt: 0 },
    gpus: [],
    price_usd: discounted(row.price_usd, balance),
    farm_free_ips: row.farm_free_ips,
    features: [...COMMON_FEATURES, ...(row.domain === "" ? [] : GATEWAY_FEATURES)],
    // Ours, beyond the grid proxy: the page shows them, other clients ignore them.
    cpu_milli: { total: node.total.cpuMilli, used: node.reserved.cpuMilli },
    isolation: node.isolation,
    maintenance: node.maintenance,
    softwareVersion: node.softwareVersion,
    upChangedMs: node.upChangedMs,
    lastHeartbeatMs: node.lastHeartbeatMs,
    contracts: row.contracts,
    interfaces: node.interfaces,
    meshEndpoints: node.meshEndpoints,
    meshKey: node.meshKey,
  };
}

/** `/nodes/{id}` has the resources one level deeper. */
export function nested(node: unknown): Record<string, unknown> {
  const { total_resources, used_resources, ...rest } = node as Record<string, unknown>;
  return { ...rest, capacity: { total_resources, used_resources } };
}
