/** Typed access to the tree; every deviation becomes a problem with its place, and reading goes on. */
import { type Collector, type Position, report } from "./problems.ts";
import type { Entry, ListTree, MapTree, ScalarTree, Tree } from "./tree.ts";
import { reasonFor } from "./unsupported.ts";

/** One map of the file of which every key has been accounted for. */
export interface Fields extends Position {
  get(key: string): Tree | undefined;
  has(key: string): boolean;
  readonly keys: readonly string[];
}

export interface FieldsOptions {
  readonly known: readonly string[];
  /** Which table of reasons applies: `services`, `deploy`, ... */
  readonly section: string;
  /** Extension fields are ignored, as the specification says, except in our own `x-` maps. */
  readonly extensions?: boolean;
}

/** A map with exactly these keys. Unsupported and unknown ones are reported by name and line. */
export function fields(into: Collector, tree: Tree, options: FieldsOptions): Fields | undefined {
  const map = asMap(into, tree);
  if (map === undefined) return undefined;
  for (const entry of map.entries.values()) {
    if (options.known.includes(entry.key)) continue;
    if (entry.key.startsWith("x-") && options.extensions !== false) continue;
    refuse(into, entry, options);
  }
  return {
    path: map.path,
    line: map.line,
    column: map.column,
    get: (key) => present(map.entries.get(key)?.value),
    has: (key) => map.entries.has(key),
    keys: [...map.entries.keys()].filter((key) => options.known.includes(key)),
  };
}

function present(tree: Tree | undefined): Tree | undefined {
  return tree === undefined || (tree.kind === "scalar" && tree.value === null) ? undefined : tree;
}

function refuse(into: Collector, entry: Entry, options: FieldsOptions): void {
  const reason = reasonFor(options.section, entry.key);
  if (reason !== undefined) {
    report(into, entry.at, "it_contract.unsupported_key", `unsupported: ${reason}`);
    return;
  }
  const near = options.known.find((known) => distance(known, entry.key) <= 2);
  const hint = near === undefined ? `known here: ${options.known.join(", ")}` : `did you mean ${near}?`;
  report(into, entry.at, "it_contract.unknown_key", `unknown key ${entry.key.slice(0, 60)}; ${hint}`);
}

/** Levenshtein distance, for hints at misspelt keys. */
export function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

const invalid = (into: Collector, at: Position, message: string): undefined => report(into, at, "it_contract.invalid_value", message);

export function asMap(into: Collector, tree: Tree): MapTree | undefined {
  return tree.kind === "map" ? tree : invalid(into, tree, "expected a map (key: value)");
}

export function asList(into: Collector, tree: Tree): ListTree | undefined {
  return tree.kind === "list" ? tree : invalid(into, tree, "expected a list (- item)");
}

export function asScalar(into: Collector, tree: Tree): ScalarTree | undefined {
  return tree.kind === "scalar" ? tree : invalid(into, tree, "expected a single value");
}

export function asText(into: Collector, tree: Tree | undefined): string | undefined {
  if (tree === undefined) return undefined;
  const scalar = asScalar(into, tree);
  if (scalar === undefined) return undefined;
  if (scalar.value === null) return invalid(into, tree, "expected text");
  if (scalar.text.includes("\0")) return invalid(into, tree, "text must not hold a zero byte");
  return scalar.text.isWellFormed() ? scalar.text : invalid(into, tree, "text must be well-formed Unicode");
}

export function asBool(into: Collector, tree: Tree | undefined): boolean | undefined {
  if (tree === undefined) return undefined;
  const text = asScalar(into, tree)?.text.toLowerCase();
  if (text === undefined) return undefined;
  if (["true", "yes", "on", "1"].includes(text)) return true;
  if (["false", "no", "off", "0"].includes(text)) return false;
  return invalid(into, tree, "expected true or false");
}

export function asInt(into: Collector, tree: Tree | undefined, range: { readonly min: number; readonly max: number }): number | undefined {
  if (tree === undefined) return undefined;
  const text = asScalar(into, tree)?.text.trim();
  if (text === undefined) return undefined;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (value === undefined || value < range.min || value > range.max)
    return invalid(into, tree, `expected a whole number from ${range.min} to ${range.max}`);
  return value;
}

export function asOneOf<const V extends readonly string[]>(into: Collector, tree: Tree | undefined, values: V): V[number] | undefined {
  const text = asText(into, tree);
  if (text === undefined || tree === undefined) return undefined;
  return values.includes(text) ? text : invalid(into, tree, `expected one of: ${values.join(", ")}`);
}

/** A text or a list of texts, as several Compose keys allow. */
export function asTexts(into: Collector, tree: Tree | undefined): readonly { readonly text: string; readonly at: Tree }[] {
  if (tree === undefined) return [];
  const items = tree.kind === "list" ? tree.items : [tree];
  return items.flatMap((item) => {
    const text = asText(into, item);
    return text === undefined ? [] : [{ text, at: item }];
  });
}

/** `{A: 1, B: null}` or `["A=1", "B"]` -> pairs; a missing value is undefined. */
export function asPairs(into: Collector, tree: Tree | undefined): readonly { readonly key: string; readonly value: string | undefined; readonly at: Position }[] {
  if (tree === undefined) return [];
  if (tree.kind === "list") {
    return asTexts(into, tree).map(({ text, at }) => {
      const equals = text.indexOf("=");
      return equals < 0 ? { key: text, value: undefined, at } : { key: text.slice(0, equals), value: text.slice(equals + 1), at };
    });
  }
  const map = asMap(into, tree);
  if (map === undefined) return [];
  return [...map.entries.values()].map((entry) => {
    const scalar = asScalar(into, entry.value);
    return { key: entry.key, value: scalar === undefined || scalar.value === null ? undefined : scalar.text, at: entry.at };
  });
}
