/** Query parameters as the grid proxy reads them. Pure. */
import type { RawBuilder } from "kysely";
import { sql } from "kysely";
import { fail } from "../errors.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";

export type Condition = RawBuilder<unknown>;
export type RawQuery = Readonly<Record<string, string | readonly string[] | undefined>>;

const invalid = (name: string, value: string, expected: string) =>
  fail("explorer.invalid_parameter", {
    message: `"${name}": expected ${expected}, got "${value.slice(0, 80)}"`,
    details: { parameter: name },
  });

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True", "on"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

export function parseUint(name: string, value: string): number {
  if (!/^\d{1,20}$/.test(value)) throw invalid(name, value, "a whole number");
  // Clients say "all" with 999999999999 and larger; 2^53 is beyond every value here.
  return Math.min(Number(value), Number.MAX_SAFE_INTEGER);
}
export function parseBool(name: string, value: string): boolean {
  if (TRUE.has(value)) return true;
  if (FALSE.has(value)) return false;
  throw invalid(name, value, "true or false");
}
function parseFloatParam(name: string, value: string): number {
  if (!/^\d{1,15}(\.\d{1,9})?$/.test(value)) throw invalid(name, value, "a number");
  return Number(value);
}

export interface Filter {
  /** All values given, in order; the parser takes the last for single values, as the grid proxy does. */
  readonly apply: (name: string, values: readonly string[]) => Condition | undefined;
}

const last = (values: readonly string[]): string => values.at(-1) ?? "";
const bounded = <T>(name: string, values: readonly T[]): readonly T[] => {
  if (values.length > L.maxListValues) throw invalid(name, `${values.length} values`, `at most ${L.maxListValues} values`);
  return values;
};
const split = (value: string): string[] => value.split(",").filter((part) => part !== "");

export const uint = (where: (value: number) => Condition | undefined): Filter => ({
  apply: (name, values) => where(parseUint(name, last(values))),
});
export const float = (where: (value: number) => Condition | undefined): Filter => ({
  apply: (name, values) => where(parseFloatParam(name, last(values))),
});
export const bool = (where: (value: boolean) => Condition): Filter => ({ apply: (name, values) => where(parseBool(name, last(values))) });
export const text = (where: (value: string) => Condition | undefined): Filter => ({
  apply: (name, values) => {
    const value = last(values);
    if (value.length > L.maxTextLength) throw invalid(name, value, `at most ${L.maxTextLength} characters`);
    return where(value);
  },
});
export const uints = (where: (values: readonly number[]) => Condition): Filter => ({
  apply: (name, values) => where(bounded(name, values.flatMap(split)).map((value) => parseUint(name, value))),
});
export const texts = (where: (values: readonly string[]) => Condition | undefined, allowed?: readonly string[]): Filter => ({
  apply: (name, values) => {
    const words = bounded(name, split(last(values)));
    for (const word of words) {
      if (allowed !== undefined && !allowed.some((known) => known.toLowerCase() === word.toLowerCase()))
        throw invalid(name, word, `one of ${allowed.join(", ")}`);
    }
    return where(words);
  },
});

export const column = (name: string): RawBuilder<unknown> => sql.ref(name);
export const equals = (name: string) => (value: string | number) => sql`${column(name)} = ${value}`;
export const atLeast = (name: string) => (value: number) => sql`${column(name)} >= ${value}`;
export const same = (name: string) => (value: string) => sql`lower(${column(name)}) = lower(${value})`;
export const contains = (name: string) => (value: string) => {
  const pattern = `%${value.replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
  return sql`lower(${column(name)}) like lower(${pattern}) escape '\\'`;
};
export const oneOf = (name: string) => (values: readonly (string | number)[]) =>
  values.length === 0 ? sql`1 = 1` : sql`${column(name)} in (${sql.join(values.map((value) => sql`${value}`))})`;
export const is = (expression: RawBuilder<unknown>) => (value: boolean) => (value ? sql`(${expression})` : sql`not (${expression})`);

export interface Page {
  readonly page: number;
  readonly size: number;
  readonly retCount: boolean;
  readonly randomize: boolean;
  readonly sortBy: string;
  readonly descending: boolean;
}

export interface ListDefinition {
  readonly typeName: string;
  readonly filters: Readonly<Record<string, Filter>>;
  /** Names that official clients send although the grid proxy does not know them. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Accepted and ignored, for the same reason. */
  readonly ignored?: readonly string[];
  readonly sorts: Readonly<Record<string, RawBuilder<unknown>>>;
  readonly defaultSort: string;
}

export const LIMIT_PARAMETERS = ["page", "size", "ret_count", "randomize", "sort_by", "sort_order", "balance"] as const;

/** Parameters without a value count as absent; the grid proxy drops them too. */
export function present(query: RawQuery): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [name, raw] of Object.entries(query)) {
    const values = (typeof raw === "string" ? [raw] : (raw ?? [])).filter((value) => value !== "");
    if (values.length > 0) found.set(name, values);
  }
  return found;
}

export function parsePage(query: ReadonlyMap<string, readonly string[]>, list: Pick<ListDefinition, "typeName" | "sorts">): Page {
  const one = (name: string): string | undefined => query.get(name)?.at(-1);
  const sortBy = one("sort_by") ?? "";
  if (sortBy !== "" && !Object.hasOwn(list.sorts, sortBy)) {
    throw fail("explorer.invalid_sort", {
      message: `"${sortBy.slice(0, 80)}" is not a sort field for ${list.typeName} type; known: ${Object.keys(list.sorts).join(", ")}`,
    });
  }
  const order = (one("sort_order") ?? "asc").toLowerCase();
  if (order !== "asc" && order !== "desc")
    throw fail("explorer.invalid_sort", { message: `sort_order: expected asc or desc, got "${order.slice(0, 80)}"` });
  return {
    page: Math.max(1, parseUint("page", one("page") ?? "1")),
    size: Math.min(parseUint("size", one("size") ?? String(L.defaultPageSize)), L.maxPageSize),
    retCount: parseBool("ret_count", one("ret_count") ?? "false"),
    randomize: parseBool("randomize", one("randomize") ?? "false"),
    sortBy,
    descending: order === "desc",
  };
}

export function parseConditions(query: ReadonlyMap<string, readonly string[]>, list: ListDefinition): Condition[] {
  const conditions: Condition[] = [];
  for (const [given, values] of query) {
    if ((LIMIT_PARAMETERS as readonly string[]).includes(given) || list.ignored?.includes(given) === true) continue;
    const name = Object.hasOwn(list.filters, given) ? given : (list.aliases?.[given] ?? given);
    const filter = Object.hasOwn(list.filters, name) ? list.filters[name] : undefined;
    if (filter === undefined) {
      throw fail("explorer.unknown_parameter", {
        message: `failed to decode params: schema: invalid path "${given.slice(0, 80)}"; known: ${[...Object.keys(list.filters), ...LIMIT_PARAMETERS].join(", ")}`,
        details: { parameter: given.slice(0, 80) },
      });
    }
    const condition = filter.apply(name, values);
    if (condition !== undefined) conditions.push(condition);
  }
  return conditions;
}
