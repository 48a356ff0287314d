/** Farms, twins, contracts, public addresses, bills and solutions: filters, sort keys and shapes. */
import { runtime } from "@tfgrid/tfchain";
import { sql } from "kysely";
import type { Tables } from "../store/schema.ts";
import type { Table } from "./list.ts";
import { NODE_FEATURES, NODE_STATUSES, rentOfNode, statusCondition } from "./nodes.ts";
import { atLeast, bool, contains, type Condition, equals, is, oneOf, same, text, texts, uint, uints } from "./params.ts";

interface IpJson {
  readonly ip: string;
  readonly gateway: string;
  readonly contractId: number | null;
}

interface FarmJson {
  readonly publicIps: readonly IpJson[];
  readonly pricing?: unknown;
}

const NEVER = sql`1 = 0`;
const someNode = (condition: Condition): Condition => sql`exists (select 1 from nodes n where n.farm_id = f.farm_id and ${condition})`;

const rentedTo = (twinId: number): Condition => sql`exists (select 1 from contracts r where r.contract_id = ${rentOfNode("n")} and r.twin_id = ${twinId})`;

export const farmTable: Table = {
  typeName: "Farm",
  columns: sql`f.*`,
  from: sql`farms f`,
  tieBreak: sql`f.farm_id`,
  filters: {
    free_ips: uint(atLeast("f.free_ips")),
    total_ips: uint(atLeast("f.total_ips")),
    farm_id: uint(equals("f.farm_id")),
    twin_id: uint(equals("f.twin_id")),
    pricing_policy_id: uint((value) => (value === 1 ? sql`1 = 1` : NEVER)),
    name: text(same("f.name")),
    name_contains: text(contains("f.name")),
    certification_type: text(equals("f.certification")),
    dedicated: bool(is(sql`f.dedicated = 1`)),
    stellar_address: text(() => NEVER),
    node_free_mru: uint((value) => someNode(sql`n.total_mru - n.used_mru >= ${value}`)),
    node_free_hru: uint((value) => someNode(sql`n.total_hru - n.used_hru >= ${value}`)),
    node_free_sru: uint((value) => someNode(sql`n.total_sru - n.used_sru >= ${value}`)),
    node_total_cru: uint((value) => someNode(sql`n.total_cru >= ${value}`)),
    node_status: texts((words) => someNode(statusCondition("n")(words)), NODE_STATUSES),
    node_rented_by: uint((twinId) => someNode(rentedTo(twinId))),
    node_available_for: uint((twinId) => someNode(sql`(${rentedTo(twinId)} or (${rentOfNode("n")} is null and f.dedicated = 0))`)),
    node_has_gpu: bool((value) => (value ? NEVER : someNode(sql`1 = 1`))),
    node_has_ipv6: bool((value) => someNode(value ? sql`n.ipv6 <> ''` : sql`n.ipv6 = ''`)),
    node_certified: bool((value) => someNode(value ? sql`n.certification = 'Certified'` : sql`n.certification <> 'Certified'`)),
    node_features: texts(() => someNode(sql`1 = 1`), NODE_FEATURES),
    country: text((value) => someNode(same("n.country")(value))),
  },
  aliases: { farm_name: "name", farm_ids: "farm_id" },
  ignored: ["version"],
  sorts: {
    name: sql`f.name`,
    farm_id: sql`f.farm_id`,
    twin_id: sql`f.twin_id`,
    dedicated: sql`f.dedicated`,
    public_ips: sql`f.total_ips`,
    total_ips: sql`f.total_ips`,
    free_ips: sql`f.free_ips`,
    used_ips: sql`(f.total_ips - f.free_ips)`,
  },
  defaultSort: "farm_id",
  shape: (row: Tables["farms"]) => ({
    name: row.name,
    farmId: row.farm_id,
    twinId: row.twin_id,
    pricingPolicyId: 1,
    certificationType: row.certification,
    stellarAddress: "",
    dedicated: row.dedicated === 1,
    // Ours, beyond the grid proxy: what the farm asks for beside the ledger's prices, and what it has announced.
    pricing: (JSON.parse(row.body) as FarmJson).pricing ?? { terms: runtime.LEDGER_TERMS, next: null },
    publicIps: (JSON.parse(row.body) as FarmJson).publicIps.map(({ ip, gateway, contractId }) => ({
      id: `${row.farm_id}-${ip}`,
      ip,
      gateway,
      contract_id: contractId ?? 0,
    })),
  }),
};

export const twinTable: Table = {
  typeName: "Twin",
  columns: sql`t.*`,
  from: sql`twins t`,
  tieBreak: sql`t.twin_id`,
  filters: {
    twin_id: uint(equals("t.twin_id")),
    account_id: text(equals("t.account_id")),
    relay: text(equals("t.relay")),
    public_key: text(equals("t.public_key")),
  },
  sorts: { twin_id: sql`t.twin_id`, account_id: sql`t.account_id`, relay: sql`t.relay`, public_key: sql`t.public_key` },
  defaultSort: "twin_id",
  shape: (row: Tables["twins"]) => ({ twinId: row.twin_id, accountId: row.account_id, relay: row.relay, publicKey: row.public_key }),
};

type ContractRow = Tables["contracts"] & { farm_id: number; farm_name: string; solution_name: string };
interface ContractJson {
  readonly version?: number;
  readonly instruction?: string;
  readonly resources?: unknown;
  readonly costPerHourUnits: string;
  readonly billedUnits: string;
}

function contractDetails(row: ContractRow, body: ContractJson) {
  if (row.type === "name") return { name: row.name, nodeId: row.node_id };
  const data = row.solution_id === 0 ? {} : { solutionId: row.solution_id, solution: row.solution_name, version: body.version };
  return {
    nodeId: row.node_id,
    deployment_data: JSON.stringify(data),
    deployment_hash: row.deployment_hash,
    number_of_public_ips: row.public_ips,
    farm_name: row.farm_name,
    farm_id: row.farm_id,
  };
}

export const contractTable: Table = {
  typeName: "Contract",
  columns: sql`c.*, coalesce(n.farm_id, 0) as farm_id, coalesce(f.name, '') as farm_name, coalesce(s.name, '') as solution_name`,
  from: sql`contracts c left join nodes n on n.node_id = c.node_id left join farms f on f.farm_id = n.farm_id
    left join solutions s on s.solution_id = c.solution_id`,
  tieBreak: sql`c.contract_id`,
  filters: {
    contract_id: uint(equals("c.contract_id")),
    twin_id: uint(equals("c.twin_id")),
    node_id: uint(equals("c.node_id")),
    type: text(equals("c.type")),
    state: texts(
      (words) => sql`lower(c.state) in (${sql.join(words.map((word) => sql`${word.toLowerCase()}`))})`,
      ["Created", "GracePeriod", "Deleted"],
    ),
    name: text(equals("c.name")),
    number_of_public_ips: uint(atLeast("c.public_ips")),
    deployment_data: text((value) => sql`c.body like ${`%${value}%`}`),
    deployment_hash: text(equals("c.deployment_hash")),
    farm_name: text(same("f.name")),
    farm_id: uint(equals("n.farm_id")),
    /** Ours. */
    solution_id: uint(equals("c.solution_id")),
  },
  sorts: {
    contract_id: sql`c.contract_id`,
    twin_id: sql`c.twin_id`,
    state: sql`c.state`,
    created_at: sql`c.created_at`,
    type: sql`c.type`,
  },
  defaultSort: "contract_id",
  shape: (row: ContractRow) => {
    const body = JSON.parse(row.body) as ContractJson;
    return {
      contract_id: row.contract_id,
      twin_id: row.twin_id,
      state: row.state,
      created_at: row.created_at,
      type: row.type,
      details: contractDetails(row, body),
      solution_id: row.solution_id,
      cost_per_hour_units: body.costPerHourUnits,
      billed_units: body.billedUnits,
    };
  },
};

export const publicIpTable: Table = {
  typeName: "PublicIP",
  columns: sql`p.*`,
  from: sql`public_ips p`,
  tieBreak: sql`p.id`,
  filters: {
    farm_ids: uints(oneOf("p.farm_id")),
    free: bool(is(sql`p.contract_id = 0`)),
    ip: text(equals("p.ip")),
    gateway: text(equals("p.gateway")),
  },
  aliases: { farm_id: "farm_ids" },
  sorts: { ip: sql`p.ip`, contract_id: sql`p.contract_id`, farm_id: sql`p.farm_id`, id: sql`p.id` },
  defaultSort: "id",
  shape: (row: Tables["public_ips"]) => ({
    id: row.id,
    ip: row.ip,
    gateway: row.gateway,
    contract_id: row.contract_id,
    farm_id: row.farm_id,
  }),
};

export const solutionTable: Table = {
  typeName: "Solution",
  columns: sql`s.*`,
  from: sql`solutions s`,
  tieBreak: sql`s.solution_id`,
  filters: {
    solution_id: uint(equals("s.solution_id")),
    twin_id: uint(equals("s.twin_id")),
    agent_twin_id: uint(equals("s.agent_twin_id")),
    name: text(equals("s.name")),
    name_contains: text(contains("s.name")),
    state: texts(oneOf("s.state")),
  },
  sorts: {
    solution_id: sql`s.solution_id`,
    name: sql`s.name`,
    state: sql`s.state`,
    created_at: sql`s.created_at`,
    twin_id: sql`s.twin_id`,
  },
  defaultSort: "solution_id",
  shape: (row: Tables["solutions"]) => JSON.parse(row.body),
};
