/** All that a state holds, out of it and into another. Ids, nonces, money, times and what is due stay as they are. */
import { type Infer, type JsonValue, isGridError, messageOf } from "@tfgrid/primitives";
import { runtimeErrors } from "../../errors.ts";
import type { StateReader, StateWriter } from "../api.ts";
import { constitutionCell, paramsCell, readConstitution } from "../params/store.ts";
import { charterCell, policyCell } from "../policy/store.ts";
import { pricingCell } from "../pricing/store.ts";
import { CELLS, SECTIONS, content, rowFromJson, rowToJson } from "./layout.ts";

export type Content = Infer<typeof content>;

/** They have fields of their own in a genesis, where people look for them and change them. */
const ELSEWHERE: ReadonlySet<string> = new Set([paramsCell, pricingCell, policyCell, charterCell, constitutionCell].map(({ key }) => key));
const CELL_BY_KEY = new Map(Object.entries(CELLS).map(([name, { key, schema }]) => [key, { name, schema }]));
const SECTION_BY_PREFIX = new Map(Object.entries(SECTIONS).map(([name, { prefix, schema }]) => [prefix, { name, schema }]));

/** Before the first and after the last key that a state can have. */
const ALL = { gte: " ", lt: "\x7f" };

export function exportContent(state: StateReader, at: { readonly height: number; readonly timeMs: number }): Content {
  const cells: Record<string, JsonValue> = {};
  const sections = new Map<string, { key: string; value: JsonValue }[]>();
  for (const [key, bytes] of state.range(ALL)) {
    if (ELSEWHERE.has(key)) continue;
    const cell = CELL_BY_KEY.get(key);
    if (cell !== undefined) {
      cells[cell.name] = rowToJson(cell.schema, bytes);
      continue;
    }
    const { name, schema, rest } = sectionOf(key);
    const rows = sections.get(name) ?? [];
    rows.push({ key: rest, value: rowToJson(schema, bytes) });
    sections.set(name, rows);
  }
  return { ...at, genesisUnits: readConstitution(state).supplyUnits, cells, sections: Object.fromEntries(sections) };
}

/** @throws Error when the layout does not know the key: a module forgot its line there */
function sectionOf(key: string) {
  for (let cut = key.indexOf("/"); cut !== -1; cut = key.indexOf("/", cut + 1)) {
    const found = SECTION_BY_PREFIX.get(key.slice(0, cut));
    if (found !== undefined) return { ...found, rest: key.slice(cut + 1) };
  }
  throw new Error(`the state has the key ${key}, which no section of an export holds`);
}

/** @throws GridError genesis.invalid */
export function importContent(state: StateWriter, { cells, sections }: Content): void {
  for (const [name, value] of Object.entries(cells)) {
    const cell = Object.hasOwn(CELLS, name) ? CELLS[name as keyof typeof CELLS] : undefined;
    if (cell === undefined) throw invalid(`content.cells.${name} is unknown to this program`);
    state.set(cell.key, bytesOf(() => rowFromJson(cell.schema, value, `content.cells.${name}`)));
  }
  for (const [name, rows] of Object.entries(sections)) {
    const section = Object.hasOwn(SECTIONS, name) ? SECTIONS[name] : undefined;
    if (section === undefined) throw invalid(`content.sections.${name} is unknown to this program`);
    for (const { key, value } of rows) {
      const path = `content.sections.${name}.${key}`;
      const full = `${section.prefix}/${key}`;
      if (state.get(full) !== undefined) throw invalid(`${path} is there twice`);
      state.set(full, bytesOf(() => rowFromJson(section.schema, value, path)));
    }
  }
}

function bytesOf(read: () => Uint8Array): Uint8Array {
  try {
    return read();
  } catch (cause) {
    if (!isGridError(cause)) throw cause;
    throw invalid(messageOf(cause), cause);
  }
}

const invalid = (why: string, cause?: unknown): ReturnType<typeof runtimeErrors.fail> =>
  runtimeErrors.fail("genesis.invalid", { message: `The genesis is not valid: ${why}.`, cause });
