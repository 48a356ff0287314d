/**
 * YAML text -> a small tree in which every value knows its path, line and column. Aliases and merge keys are expanded
 * and variables interpolated here, within bounds, so that the readers see plain values.
 */
import { type Document, LineCounter, type Node as YamlNode, type Pair, isAlias, isMap, isPair, isScalar, isSeq, parseDocument } from "yaml";
import { COMPOSE_LIMITS } from "../limits.ts";
import { interpolate, type Variables } from "./interpolate.ts";
import { type Collector, type Position, report, warn } from "./problems.ts";

export interface ScalarTree extends Position {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
  /** The value as written (after interpolation): `0440` stays `0440`. */
  readonly text: string;
}
export interface ListTree extends Position {
  readonly kind: "list";
  readonly items: readonly Tree[];
}
export interface Entry {
  readonly key: string;
  readonly at: Position;
  readonly value: Tree;
}
export interface MapTree extends Position {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
}
export type Tree = ScalarTree | ListTree | MapTree;

interface Builder {
  readonly into: Collector;
  /** Anchors met so far; the library's own look-up walks the whole document for every alias. */
  readonly anchors: Map<string, YamlNode>;
  readonly lines: LineCounter;
  readonly variables: Variables;
  readonly unset: Set<string>;
  values: number;
  stopped: boolean;
}

const START: Position = { path: "", line: 1, column: 1 };

export function parseTree(text: string, variables: Variables, into: Collector): Tree | undefined {
  if (text.length > COMPOSE_LIMITS.fileChars)
    return report(into, START, "it_contract.too_large", `${text.length} characters where at most ${COMPOSE_LIMITS.fileChars} are allowed`);
  const lines = new LineCounter();
  const document = parseYaml(text, lines, into);
  if (document === undefined) return undefined;
  for (const error of document.errors) {
    const at = lines.linePos(error.pos[0]);
    report(into, { path: "", line: at.line, column: at.col }, "it_contract.invalid_yaml", error.message.split("\n")[0] ?? "invalid YAML");
  }
  if (document.errors.length > 0) return undefined;
  if (document.contents === null) return report(into, START, "it_contract.missing_value", "the file is empty");
  const builder: Builder = { into, anchors: new Map(), lines, variables, unset: new Set(), values: 0, stopped: false };
  const tree = build(builder, document.contents, "", 0);
  return builder.stopped ? undefined : tree;
}

function parseYaml(text: string, lines: LineCounter, into: Collector): Document.Parsed | undefined {
  try {
    return parseDocument(text, { lineCounter: lines, version: "1.2", prettyErrors: false, logLevel: "silent" });
  } catch (error) {
    // The parser recurses: thousands of nested brackets end in the engine's own stack limit.
    if (error instanceof RangeError) return report(into, START, "it_contract.too_deep", "the file is nested too deeply");
    throw error;
  }
}

function build(builder: Builder, node: YamlNode | null, path: string, depth: number): Tree | undefined {
  const at = positionOf(builder, node, path);
  builder.values += 1;
  if (builder.values > COMPOSE_LIMITS.values) return stop(builder, at, "it_contract.too_large", "too many values after expanding aliases");
  if (depth > COMPOSE_LIMITS.depth) return stop(builder, at, "it_contract.too_deep", `more than ${COMPOSE_LIMITS.depth} levels`);
  if (node === null) return { ...at, kind: "scalar", value: null, text: "" };
  if (isAlias(node)) {
    const target = builder.anchors.get(node.source);
    if (target === undefined) return report(builder.into, at, "it_contract.invalid_yaml", `no anchor &${node.source}`);
    return build(builder, target, path, depth + 1);
  }
  if (typeof node.anchor === "string") builder.anchors.set(node.anchor, node);
  if (isScalar(node)) return scalar(builder, node, at);
  if (isSeq(node)) return list(builder, node.items as (YamlNode | null)[], at, depth);
  if (isMap(node)) return { ...at, kind: "map", entries: mapEntries(builder, node.items as Pair[], path, depth) };
  return report(builder.into, at, "it_contract.invalid_yaml", "not a value of a Compose file");
}

function list(builder: Builder, nodes: readonly (YamlNode | null)[], at: Position, depth: number): ListTree {
  const items: Tree[] = [];
  for (const [index, node] of nodes.entries()) {
    if (builder.stopped) break;
    const item = build(builder, node, `${at.path}[${index}]`, depth + 1);
    if (item !== undefined) items.push(item);
  }
  return { ...at, kind: "list", items };
}

function mapEntries(builder: Builder, pairs: readonly Pair[], path: string, depth: number): Map<string, Entry> {
  const own = new Map<string, Entry>();
  const merged = new Map<string, Entry>();
  for (const pair of pairs) {
    if (builder.stopped || !isPair(pair)) break;
    const keyNode = pair.key as YamlNode | null;
    const at = positionOf(builder, keyNode, path);
    const plainKey: unknown = isScalar(keyNode) ? keyNode.value : undefined;
    if (!isScalar(keyNode) || (typeof plainKey !== "string" && typeof plainKey !== "number" && typeof plainKey !== "boolean")) {
      report(builder.into, at, "it_contract.invalid_yaml", "keys must be plain text");
      continue;
    }
    const key = String(plainKey);
    if (key === "<<" && keyNode.type === "PLAIN") {
      mergeInto(builder, merged, pair.value as YamlNode | null, { path, depth });
      continue;
    }
    const childPath = path === "" ? key : `${path}.${key}`;
    const value = build(builder, pair.value as YamlNode | null, childPath, depth + 1);
    if (value !== undefined) own.set(key, { key, at: { ...at, path: childPath }, value });
  }
  for (const [key, entry] of merged) if (!own.has(key)) own.set(key, entry);
  return own;
}

/** `<<: *base` or `<<: [*a, *b]`: earlier ones win, the map's own keys win over all. */
function mergeInto(builder: Builder, merged: Map<string, Entry>, node: YamlNode | null, at: { readonly path: string; readonly depth: number }): void {
  const value = build(builder, node, at.path, at.depth + 1);
  if (value === undefined) return;
  const sources = value.kind === "list" ? value.items : [value];
  for (const source of sources) {
    if (source.kind !== "map") {
      report(builder.into, source, "it_contract.invalid_yaml", "<< merges maps only");
      continue;
    }
    for (const [key, entry] of source.entries) {
      if (!merged.has(key)) merged.set(key, entry);
    }
  }
}

function scalar(builder: Builder, node: { value: unknown; source?: string }, at: Position): ScalarTree | undefined {
  const { value } = node;
  if (typeof value === "string") {
    const result = interpolate(value, builder.variables);
    if (!result.ok) {
      const code = { required: "it_contract.unset_variable", too_large: "it_contract.too_large", syntax: "it_contract.invalid_value" } as const;
      return report(builder.into, at, code[result.kind], result.message);
    }
    for (const name of result.unset) {
      if (builder.unset.has(name)) continue;
      builder.unset.add(name);
      warn(builder.into, at, "it_contract.unset_variable", `variable ${name} is not set; it counts as empty`);
    }
    return { ...at, kind: "scalar", value: result.value, text: result.value };
  }
  if (value === null) return { ...at, kind: "scalar", value: null, text: "" };
  if (typeof value === "number" || typeof value === "boolean")
    return { ...at, kind: "scalar", value, text: node.source ?? String(value) };
  return report(builder.into, at, "it_contract.invalid_value", "expected text, a number, true or false");
}

function positionOf(builder: Builder, node: YamlNode | null, path: string): Position {
  const offset = node?.range?.[0];
  if (offset === undefined || offset === null) return { path, line: 1, column: 1 };
  const at = builder.lines.linePos(offset);
  return { path, line: at.line, column: at.col };
}

function stop(builder: Builder, at: Position, code: "it_contract.too_large" | "it_contract.too_deep", message: string): undefined {
  if (!builder.stopped) report(builder.into, at, code, message);
  builder.stopped = true;
  return undefined;
}
