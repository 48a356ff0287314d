/** Answers that are no plain list. */
import { sql } from "kysely";
import { fail } from "../errors.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";
import type { Database, Tables } from "../store/schema.ts";
import { NODE_STATUSES, statusCondition } from "./nodes.ts";
import { parseUint, present, type RawQuery, texts } from "./params.ts";

export async function contractBills(db: Database, contractId: number, rawQuery: RawQuery) {
  const query = present(rawQuery);
  const size = Math.min(parseUint("size", query.get("size")?.at(-1) ?? String(L.defaultPageSize)), L.maxPageSize);
  const page = Math.max(1, parseUint("page", query.get("page")?.at(-1) ?? "1"));
  const rows = await db
    .selectFrom("bills")
    .selectAll()
    .where("contract_id", "=", contractId)
    .orderBy("height", "desc")
    .orderBy("idx", "desc")
    .limit(size)
    .offset(Math.min((page - 1) * size, Number.MAX_SAFE_INTEGER))
    .execute();
  const { count } = await db
    .selectFrom("bills")
    .select(sql<number>`count(*)`.as("count"))
    .where("contract_id", "=", contractId)
    .executeTakeFirstOrThrow();
  return {
    rows: rows.map(({ amount, to_ms }) => ({ amountBilled: amount, discountReceived: "None", timestamp: Math.floor(to_ms / 1000) })),
    headers: { count: String(count), size: String(size), pages: String(size === 0 ? 0 : Math.ceil(count / size)) },
  };
}

/** TFT; last hour = each active contract's newest bill brought to one hour. */
export async function twinConsumption(db: Database, twinId: number) {
  const { rows } = await sql<{ state: string; amount: number; from_ms: number; to_ms: number }>`
    select c.state, b.amount, b.from_ms, b.to_ms from contracts c
    join bills b on b.contract_id = c.contract_id and b.height = (select max(height) from bills where contract_id = c.contract_id)
    where c.twin_id = ${twinId}`.execute(db);
  const hourly = rows
    .filter(({ state }) => state !== "Deleted")
    .reduce((sum, { amount, from_ms, to_ms }) => sum + (to_ms > from_ms ? (amount * 3_600_000) / (to_ms - from_ms) : 0), 0);
  const total = await sql<{ total: number | null }>`
    select sum(b.amount) as total from bills b join contracts c on c.contract_id = b.contract_id where c.twin_id = ${twinId}`.execute(db);
  return { last_hour_consumption: hourly / 1e7, overall_consumption: (total.rows[0]?.total ?? 0) / 1e7 };
}

const statusFilter = texts(statusCondition("nodes"), NODE_STATUSES);

interface NodeTotals {
  nodes: number;
  countries: number;
  cru: number | null;
  sru: number | null;
  mru: number | null;
  hru: number | null;
  access: number | null;
  gateways: number | null;
  dedicated: number | null;
  workloads: number | null;
}

export async function stats(db: Database, rawQuery: RawQuery) {
  const status = present(rawQuery).get("status");
  const where = status === undefined ? sql`1 = 1` : (statusFilter.apply("status", status) ?? sql`1 = 1`);
  const active = sql`(select count(*) from contracts c where c.node_id = nodes.node_id and c.state <> 'Deleted' and c.type = 'node')`;
  const totals =
    await sql<NodeTotals>`select count(*) as nodes, count(distinct country) as countries, sum(total_cru) as cru, sum(total_sru) as sru,
    sum(total_mru) as mru, sum(total_hru) as hru, sum(case when ipv4 <> '' or ipv6 <> '' then 1 else 0 end) as access,
    sum(case when domain <> '' then 1 else 0 end) as gateways, sum(${active}) as workloads,
    sum(case when ${active} = 0 or exists (select 1 from farms f where f.farm_id = nodes.farm_id and f.dedicated = 1) then 1 else 0 end) as dedicated
    from nodes where ${where}`.execute(db);
  const countries = await sql<{ country: string; count: number }>`
    select country, count(*) as count from nodes where ${where} group by country order by country`.execute(db);
  const counts = await sql<{ farms: number; twins: number; contracts: number; ips: number; solutions: number; running: number }>`
    select (select count(*) from farms) as farms, (select count(*) from twins) as twins, (select count(*) from contracts) as contracts,
    (select count(*) from public_ips) as ips, (select count(*) from solutions where state <> 'cancelled') as solutions,
    (select count(*) from solutions where state = 'running') as running`.execute(db);
  const node = totals.rows[0];
  const grid = counts.rows[0];
  return {
    nodes: node?.nodes ?? 0,
    farms: grid?.farms ?? 0,
    countries: node?.countries ?? 0,
    totalCru: node?.cru ?? 0,
    totalSru: node?.sru ?? 0,
    totalMru: node?.mru ?? 0,
    totalHru: node?.hru ?? 0,
    publicIps: grid?.ips ?? 0,
    accessNodes: node?.access ?? 0,
    gateways: node?.gateways ?? 0,
    twins: grid?.twins ?? 0,
    contracts: grid?.contracts ?? 0,
    nodesDistribution: Object.fromEntries(countries.rows.map(({ country, count }) => [country, count])),
    gpus: 0,
    dedicatedNodes: node?.dedicated ?? 0,
    workloads_number: node?.workloads ?? 0,
    solutions: grid?.solutions ?? 0,
    runningSolutions: grid?.running ?? 0,
  };
}

/** The solution with its parts (whole contracts with their reports) and members. */
export async function solutionById(db: Database, id: number) {
  const row = await db.selectFrom("solutions").select("body").where("solution_id", "=", id).executeTakeFirst();
  if (row === undefined) throw fail("explorer.not_found", { message: `solution ${id} not found` });
  const parts = await db
    .selectFrom("contracts")
    .select("body")
    .where("solution_id", "=", id)
    .where("state", "!=", "Deleted")
    .orderBy("contract_id")
    .execute();
  const solution = JSON.parse(row.body) as Record<string, unknown>;
  return { ...solution, partIds: solution["parts"], parts: parts.map(({ body }) => JSON.parse(body) as unknown) };
}

export interface EventJson {
  readonly seq: number;
  readonly height: number;
  readonly timeMs: number;
  readonly type: string;
  readonly code: string;
  readonly level: string;
  readonly sentence: string;
  readonly solutionId: number | null;
  readonly contractId: number | null;
  readonly nodeId: number | null;
  readonly event: unknown;
}

export function eventShape(row: Omit<Tables["events"], "seq"> & { readonly seq: number }): EventJson {
  return {
    seq: row.seq,
    height: row.height,
    timeMs: row.time_ms,
    type: row.type,
    code: row.code,
    level: row.level,
    sentence: row.sentence,
    solutionId: row.solution_id,
    contractId: row.contract_id,
    nodeId: row.node_id,
    event: JSON.parse(row.body),
  };
}

/** Oldest first, from `from` on (a row's `seq`). Without `from`: the newest rows. */
export async function eventRows(
  db: Database,
  options: { readonly from: number | undefined; readonly size: number; readonly solutionId?: number },
): Promise<readonly EventJson[]> {
  const { from, size, solutionId } = options;
  let query = db.selectFrom("events").selectAll();
  if (solutionId !== undefined) query = query.where("solution_id", "=", solutionId);
  if (from !== undefined) return (await query.where("seq", ">=", from).orderBy("seq").limit(size).execute()).map(eventShape);
  return (await query.orderBy("seq", "desc").limit(size).execute()).reverse().map(eventShape);
}

export async function lastSeq(db: Database): Promise<number> {
  const row = await db
    .selectFrom("events")
    .select(sql<number>`coalesce(max(seq), 0)`.as("seq"))
    .executeTakeFirstOrThrow();
  return row.seq;
}
