/** Top-level `configs` and `secrets`, and where services mount them. */
import type { Service, SolutionDocument } from "@tfgrid/notary";
import { bytesToHex, utf8 } from "@tfgrid/primitives";
import { COMPOSE_LIMITS } from "../limits.ts";
import type { Context } from "./context.ts";
import { type Position, report } from "./problems.ts";
import { asInt, asList, asMap, asScalar, asText, fields, type Fields } from "./reader.ts";
import type { Tree } from "./tree.ts";
import { asAbsolutePath, toLabel } from "./values.ts";

export type Kind = "config" | "secret";
type FileMount = Service["configs"][number];
interface NamedContent {
  readonly name: string;
  readonly content: Uint8Array;
}

export async function readConfigs(context: Context, tree: Tree | undefined): Promise<SolutionDocument["configs"]> {
  const all = await readContents(context, tree, "config");
  return all.map(({ name, content }) => ({ name, content: bytesToHex(content) }));
}

export async function readContents(context: Context, tree: Tree | undefined, kind: Kind): Promise<readonly NamedContent[]> {
  const map = tree === undefined ? undefined : asMap(context, tree);
  const out = new Map<string, NamedContent>();
  for (const entry of map?.entries.values() ?? []) {
    const name = toLabel(entry.key);
    if (name === undefined) report(context, entry.at, "it_contract.invalid_value", `a ${kind}'s name has letters, digits, - and _ only`);
    else if (out.has(name)) report(context, entry.at, "it_contract.conflict", `another ${kind} is called ${name} too`);
    else out.set(name, { name, content: (await readContent(context, entry.value, entry.at, kind)) ?? new Uint8Array() });
  }
  return [...out.values()];
}

async function readContent(context: Context, tree: Tree, at: Position, kind: Kind): Promise<Uint8Array | undefined> {
  const sources = kind === "config" ? ["content", "file", "environment"] : ["file", "environment"];
  const map = fields(context, tree, { known: sources, section: kind });
  if (map === undefined) return undefined;
  if (map.keys.length !== 1) return report(context, at, "it_contract.missing_value", `write one of ${sources.join(", ")}`);
  const content = asText(context, map.get("content"));
  if (content !== undefined) return bounded(context, at, utf8(content));
  const variable = asText(context, map.get("environment"));
  if (variable !== undefined) {
    const value = Object.hasOwn(context.environment, variable) ? context.environment[variable] : undefined;
    if (value === undefined) return report(context, at, "it_contract.unset_variable", `variable ${variable} is not set`);
    return bounded(context, at, utf8(value));
  }
  const path = asText(context, map.get("file"));
  return path === undefined ? undefined : readNamedFile(context, at, path);
}

async function readNamedFile(context: Context, at: Position, path: string): Promise<Uint8Array | undefined> {
  try {
    return bounded(context, at, await context.readFile(path, { maxBytes: COMPOSE_LIMITS.fileBytes }));
  } catch (error) {
    return report(context, at, "it_contract.file_unreadable", `cannot read ${path}: ${(error as Error).message}`);
  }
}

function bounded(context: Context, at: Position, bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length <= COMPOSE_LIMITS.fileBytes) return bytes;
  return report(context, at, "it_contract.too_large", `${bytes.length} bytes where at most ${COMPOSE_LIMITS.fileBytes} are allowed`);
}

/** A service's `configs` or `secrets`: a name, or {source, target, uid, gid, mode}. */
export function readFileMounts(context: Context, service: Fields, kind: Kind, defined: ReadonlySet<string>): readonly FileMount[] {
  const tree = service.get(`${kind}s`);
  const items = tree === undefined ? [] : (asList(context, tree)?.items ?? []);
  return items.flatMap((item) => {
    const mount = item.kind === "map" ? longMount(context, item, kind) : shortMount(context, item, kind);
    if (mount === undefined) return [];
    if (!defined.has(mount.source))
      report(context, item, "it_contract.unknown_reference", `${kind} ${mount.source} is not defined under the top-level ${kind}s`);
    return [mount];
  });
}

const folder = (kind: Kind): string => (kind === "config" ? "/" : "/run/secrets/");
/** Readable to all inside the zmachine, as in Compose: its user is rarely root. */
const DEFAULT_MODE = 0o444;

function shortMount(context: Context, tree: Tree, kind: Kind): FileMount | undefined {
  const text = asText(context, tree);
  const source = text === undefined ? undefined : toLabel(text);
  if (text === undefined) return undefined;
  if (source === undefined) return report(context, tree, "it_contract.invalid_value", `expected a ${kind}'s name`);
  const target = asAbsolutePath(context, tree, `${folder(kind)}${text}`);
  return target === undefined ? undefined : { source, target, mode: DEFAULT_MODE, uid: 0, gid: 0 };
}

function longMount(context: Context, tree: Tree, kind: Kind): FileMount | undefined {
  const map = fields(context, tree, { known: ["source", "target", "uid", "gid", "mode"], section: `service_${kind}` });
  const name = asText(context, map?.get("source"));
  if (map === undefined) return undefined;
  const source = name === undefined ? undefined : toLabel(name);
  if (source === undefined) return report(context, tree, "it_contract.missing_value", `source (the ${kind}'s name) is missing`);
  const wanted = asText(context, map.get("target")) ?? name ?? source;
  const target = asAbsolutePath(context, tree, wanted.startsWith("/") ? wanted : `${folder(kind)}${wanted}`);
  if (target === undefined) return undefined;
  const ids = { min: 0, max: 65_535 };
  return {
    source,
    target,
    mode: readMode(context, map.get("mode")) ?? DEFAULT_MODE,
    uid: asInt(context, map.get("uid"), ids) ?? 0,
    gid: asInt(context, map.get("gid"), ids) ?? 0,
  };
}

/** Octal, with or without its leading 0 or 0o: YAML 1.2 would read 0440 as the decimal 440. */
function readMode(context: Context, tree: Tree | undefined): number | undefined {
  if (tree === undefined) return undefined;
  const digits = /^0?o?([0-7]{3,4})$/.exec(asScalar(context, tree)?.text ?? "")?.[1];
  if (digits === undefined) return report(context, tree, "it_contract.invalid_value", 'expected an octal mode, for example "0440"');
  return Number.parseInt(digits, 8);
}
