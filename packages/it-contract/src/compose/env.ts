/** `environment` and `env_file`. Precedence as in Compose: environment over env_file, later files over earlier ones. */
import { DOCUMENT_BOUNDS } from "./bounds.ts";
import type { Context } from "./context.ts";
import { interpolate, type Variables } from "./interpolate.ts";
import { type Position, report, warn } from "./problems.ts";
import { asBool, asOneOf, asPairs, asText, fields, type Fields } from "./reader.ts";
import type { Tree } from "./tree.ts";
import { COMPOSE_LIMITS } from "../limits.ts";

export async function readEnvironment(context: Context, service: Fields): Promise<Record<string, string>> {
  const merged = new Map<string, string>();
  for (const file of envFiles(context, service.get("env_file"))) {
    for (const [key, value] of await readEnvFile(context, file)) merged.set(key, value);
  }
  for (const { key, value, at } of asPairs(context, service.get("environment"))) {
    const found = value ?? inherited(context.environment, key);
    if (!/^[^=\0]{1,256}$/.test(key)) report(context, at, "it_contract.invalid_value", "a variable's name has 1 to 256 characters and no =");
    else if (found === undefined) warn(context, at, "it_contract.unset_variable", `variable ${key} has no value here and is left out`);
    else merged.set(key, found);
  }
  for (const [key, value] of merged) {
    if (value.length > DOCUMENT_BOUNDS.environmentValueLength || value.includes("\0"))
      report(context, service, "it_contract.too_large", `variable ${key} has more than ${DOCUMENT_BOUNDS.environmentValueLength} characters or a zero byte`);
  }
  if (merged.size > DOCUMENT_BOUNDS.environmentVariables)
    report(context, service, "it_contract.too_large", `more than ${DOCUMENT_BOUNDS.environmentVariables} variables`);
  return Object.fromEntries(merged);
}

function inherited(environment: Variables, key: string): string | undefined {
  return Object.hasOwn(environment, key) ? environment[key] : undefined;
}

interface EnvFile {
  readonly path: string;
  readonly required: boolean;
  readonly raw: boolean;
  readonly at: Position;
}

function envFiles(context: Context, tree: Tree | undefined): readonly EnvFile[] {
  if (tree === undefined) return [];
  const items = tree.kind === "list" ? tree.items : [tree];
  return items.flatMap((item): EnvFile[] => {
    if (item.kind !== "map") {
      const path = asText(context, item);
      return path === undefined ? [] : [{ path, required: true, raw: false, at: item }];
    }
    const map = fields(context, item, { known: ["path", "required", "format"], section: "env_file" });
    const path = asText(context, map?.get("path"));
    if (map === undefined) return [];
    if (path === undefined) return report(context, item, "it_contract.missing_value", "path is missing") ?? [];
    const raw = asOneOf(context, map.get("format"), ["raw"]) === "raw";
    return [{ path, required: asBool(context, map.get("required")) ?? true, raw, at: item }];
  });
}

async function readEnvFile(context: Context, file: EnvFile): Promise<Map<string, string>> {
  let text: string;
  try {
    const bytes = await context.readFile(file.path, { maxBytes: COMPOSE_LIMITS.envFileChars });
    if (bytes.length > COMPOSE_LIMITS.envFileChars) {
      report(context, file.at, "it_contract.too_large", `${file.path} has more than ${COMPOSE_LIMITS.envFileChars} bytes`);
      return new Map();
    }
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (file.required) report(context, file.at, "it_contract.file_unreadable", `cannot read ${file.path}: ${(error as Error).message}`);
    return new Map();
  }
  const parsed = parseEnvFile(text, context.environment, file.raw);
  for (const problem of parsed.problems)
    report(context, file.at, "it_contract.invalid_value", `${file.path}:${problem.line}: ${problem.message}`);
  return parsed.values;
}

interface EnvFileResult {
  readonly values: Map<string, string>;
  readonly problems: { readonly line: number; readonly message: string }[];
}

/** `KEY=value` lines; `#` comments; '...' literal, "..." with escapes and variables; `export` is allowed. */
export function parseEnvFile(text: string, environment: Variables, raw = false): EnvFileResult {
  const values = new Map<string, string>();
  const problems: { line: number; message: string }[] = [];
  for (const [index, source] of text.split(/\r?\n/).entries()) {
    const line = source.trim().replace(/^export\s+/, "");
    if (line === "" || line.startsWith("#")) continue;
    const match = /^([A-Za-z_][\w.-]*)\s*(?:=\s?(.*))?$/s.exec(line);
    const key = match?.[1];
    if (key === undefined) {
      problems.push({ line: index + 1, message: "expected NAME=value" });
      continue;
    }
    const rest = match?.[2];
    if (rest === undefined) {
      const found = inherited(environment, key);
      if (found !== undefined) values.set(key, found);
      continue;
    }
    const known = { ...environment, ...Object.fromEntries(values) };
    const value = raw ? { ok: true as const, value: rest } : envValue(rest.trim(), known);
    if (value.ok) values.set(key, value.value);
    else problems.push({ line: index + 1, message: value.message });
  }
  return { values, problems };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$$" };

function envValue(text: string, variables: Variables): { ok: true; value: string } | { ok: false; message: string } {
  const quote = text[0];
  if (quote === "'" || quote === '"') {
    const match = (quote === "'" ? /^'([^']*)'\s*(?:#.*)?$/ : /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/).exec(text);
    if (match === null) return { ok: false, message: "a quotation mark is not closed on its line" };
    const body = match[1] ?? "";
    if (quote === "'") return { ok: true, value: body };
    return interpolate(body.replace(/\\(.)/g, (whole, char: string) => ESCAPES[char] ?? whole), variables);
  }
  return interpolate(text.replace(/\s+#.*$/, ""), variables);
}
