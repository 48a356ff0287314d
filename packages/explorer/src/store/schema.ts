/** Tables of the explorer. Entities are kept whole in `body` (the ledger's JSON form); columns exist to filter and sort by. */
import { type Generated, type Kysely, sql } from "kysely";

export interface Tables {
  meta: { key: string; value: string };
  farms: {
    farm_id: number;
    twin_id: number;
    name: string;
    dedicated: number;
    certification: string;
    total_ips: number;
    free_ips: number;
    body: string;
  };
  public_ips: { id: string; farm_id: number; ip: string; gateway: string; contract_id: number };
  twins: { twin_id: number; account_id: string; relay: string; public_key: string; body: string };
  nodes: {
    node_id: number;
    farm_id: number;
    twin_id: number;
    up: number;
    uptime: number;
    created: number;
    updated_at: number;
    country: string;
    city: string;
    total_cru: number;
    total_mru: number;
    total_sru: number;
    total_hru: number;
    used_cru: number;
    used_mru: number;
    used_sru: number;
    used_hru: number;
    ipv4: string;
    ipv6: string;
    domain: string;
    certification: string;
    price_usd: number;
    body: string;
  };
  contracts: {
    contract_id: number;
    type: string;
    twin_id: number;
    node_id: number;
    solution_id: number;
    state: string;
    created_at: number;
    name: string;
    deployment_hash: string;
    public_ips: number;
    /** State and code of the last report that made a timeline row, so that a repeated report makes none. */
    told: string;
    body: string;
  };
  bills: { height: number; idx: number; contract_id: number; amount: number; from_ms: number; to_ms: number };
  solutions: {
    solution_id: number;
    name: string;
    twin_id: number;
    agent_twin_id: number;
    state: string;
    version: number;
    created_at: number;
    body: string;
  };
  /** Where each zmachine last ran: what tells "moved" from "started". */
  placements: { solution_id: number; zmachine: string; node_id: number };
  events: {
    seq: Generated<number>;
    height: number;
    time_ms: number;
    type: string;
    code: string;
    level: string;
    sentence: string;
    solution_id: number | null;
    contract_id: number | null;
    node_id: number | null;
    body: string;
  };
}
export type Database = Kysely<Tables>;

/** Raised with every change of the tables: the database holds only what the ledger can tell again, so it is then built anew. */
export const SCHEMA_VERSION = "1";

const STATEMENTS = [
  `create table if not exists meta (key text primary key, value text not null)`,
  `create table if not exists farms (farm_id integer primary key, twin_id integer not null, name text not null, dedicated integer not null,
    certification text not null, total_ips integer not null, free_ips integer not null, body text not null)`,
  `create table if not exists public_ips (id text primary key, farm_id integer not null, ip text not null, gateway text not null,
    contract_id integer not null)`,
  `create index if not exists public_ips_farm on public_ips (farm_id)`,
  `create table if not exists twins (twin_id integer primary key, account_id text not null, relay text not null, public_key text not null,
    body text not null)`,
  `create index if not exists twins_account on twins (account_id)`,
  `create table if not exists nodes (node_id integer primary key, farm_id integer not null, twin_id integer not null, up integer not null,
    uptime bigint not null, created bigint not null, updated_at bigint not null, country text not null, city text not null,
    total_cru bigint not null, total_mru bigint not null, total_sru bigint not null, total_hru bigint not null,
    used_cru bigint not null, used_mru bigint not null, used_sru bigint not null, used_hru bigint not null,
    ipv4 text not null, ipv6 text not null, domain text not null, certification text not null, price_usd real not null, body text not null)`,
  `create index if not exists nodes_farm on nodes (farm_id)`,
  `create table if not exists contracts (contract_id integer primary key, type text not null, twin_id integer not null,
    node_id integer not null, solution_id integer not null, state text not null, created_at bigint not null, name text not null,
    deployment_hash text not null, public_ips integer not null, told text not null, body text not null)`,
  `create index if not exists contracts_twin on contracts (twin_id)`,
  `create index if not exists contracts_node on contracts (node_id, state)`,
  `create index if not exists contracts_solution on contracts (solution_id)`,
  `create index if not exists contracts_name on contracts (name)`,
  `create table if not exists bills (height bigint not null, idx integer not null, contract_id integer not null, amount bigint not null,
    from_ms bigint not null, to_ms bigint not null, primary key (height, idx))`,
  `create index if not exists bills_contract on bills (contract_id, height)`,
  `create table if not exists solutions (solution_id integer primary key, name text not null, twin_id integer not null,
    agent_twin_id integer not null, state text not null, version integer not null, created_at bigint not null, body text not null)`,
  `create index if not exists solutions_twin on solutions (twin_id)`,
  `create table if not exists placements (solution_id integer not null, zmachine text not null, node_id integer not null,
    primary key (solution_id, zmachine))`,
  `create table if not exists events (seq integer primary key autoincrement, height bigint not null, time_ms bigint not null,
    type text not null, code text not null, level text not null, sentence text not null, solution_id integer, contract_id integer,
    node_id integer, body text not null)`,
  `create index if not exists events_solution on events (solution_id, seq)`,
];

export const TABLES = ["meta", "farms", "public_ips", "twins", "nodes", "contracts", "bills", "solutions", "placements", "events"] as const;

export async function createTables(db: Database): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

export async function dropTables(db: Database): Promise<void> {
  for (const table of TABLES) await sql.raw(`drop table if exists ${table}`).execute(db);
}
