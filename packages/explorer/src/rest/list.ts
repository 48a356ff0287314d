/** One way to answer every list: filter, sort, page, count. */
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../store/schema.ts";
import { type Condition, type ListDefinition, type Page, parseConditions, parsePage, present, type RawQuery } from "./params.ts";

export interface Table extends ListDefinition {
  /** `select` list and `from` clause with joins. */
  readonly columns: RawBuilder<unknown>;
  readonly from: RawBuilder<unknown>;
  /** Unique column that ends every order, so that pages never overlap. */
  readonly tieBreak: RawBuilder<unknown>;
  readonly shape: (row: never, query: ReadonlyMap<string, readonly string[]>) => unknown;
}

export interface ListAnswer {
  readonly rows: readonly unknown[];
  readonly headers: Readonly<Record<string, string>>;
}

const whereClause = (conditions: readonly Condition[]): RawBuilder<unknown> =>
  conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;

function orderClause(table: Table, page: Page): RawBuilder<unknown> {
  if (page.randomize) return sql`order by random()`;
  const key = table.sorts[page.sortBy === "" ? table.defaultSort : page.sortBy];
  const direction = page.descending ? sql`desc` : sql`asc`;
  return sql`order by ${key} ${direction}, ${table.tieBreak} ${direction}`;
}

export async function answerList(db: Database, table: Table, rawQuery: RawQuery): Promise<ListAnswer> {
  const query = present(rawQuery);
  const page = parsePage(query, table);
  const where = whereClause(parseConditions(query, table));
  const offset = Math.min((page.page - 1) * page.size, Number.MAX_SAFE_INTEGER);
  const { rows } =
    await sql`select ${table.columns} from ${table.from} ${where} ${orderClause(table, page)} limit ${page.size} offset ${offset}`.execute(
      db,
    );
  const shaped = rows.map((row) => table.shape(row as never, query));
  if (!page.retCount) return { rows: shaped, headers: {} };
  const counted = await sql<{ count: number }>`select count(*) as count from ${table.from} ${where}`.execute(db);
  const count = counted.rows[0]?.count ?? 0;
  const pages = page.size === 0 ? 0 : Math.ceil(count / page.size);
  return { rows: shaped, headers: { count: String(count), size: String(page.size), pages: String(pages) } };
}

export async function selectWhere(db: Database, table: Table, condition: Condition): Promise<readonly unknown[]> {
  const { rows } = await sql`select ${table.columns} from ${table.from} where ${condition}`.execute(db);
  return rows.map((row) => table.shape(row as never, new Map()));
}
