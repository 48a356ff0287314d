/** Top-level `networks` and `volumes`, and a service's `networks`. */
import type { Service, SolutionDocument } from "@tfgrid/notary";
import { sha256, utf8 } from "@tfgrid/primitives";
import { DEFAULTS } from "../limits.ts";
import { DOCUMENT_BOUNDS } from "./bounds.ts";
import type { Context } from "./context.ts";
import { type Position, report } from "./problems.ts";
import { asBool, asList, asMap, asOneOf, asText, asTexts, fields, type Fields } from "./reader.ts";
import type { Tree } from "./tree.ts";
import { asBytes, checkLabel, toLabel } from "./values.ts";

type Network = SolutionDocument["networks"][number];
type Volume = SolutionDocument["volumes"][number];

interface NetworkForm {
  readonly name: string;
  readonly internal: boolean;
  readonly cidr: string | undefined;
}

export function readNetworks(context: Context, tree: Tree | undefined, solution: string): readonly Network[] {
  const forms = new Map<string, NetworkForm>();
  for (const entry of (tree === undefined ? undefined : asMap(context, tree))?.entries.values() ?? []) {
    const name = named(context, entry, "network", forms);
    if (name !== undefined) forms.set(name, { name, ...networkForm(context, entry.value) });
  }
  if (!forms.has("default")) forms.set("default", { name: "default", internal: false, cidr: undefined });
  return assignCidrs(context, [...forms.values()], solution);
}

function named(context: Context, entry: { readonly at: Position; readonly key: string }, what: string, taken: ReadonlyMap<string, unknown>): string | undefined {
  const { at, key } = entry;
  const name = toLabel(key);
  if (name === undefined) return report(context, at, "it_contract.invalid_value", `a ${what}'s name has letters, digits, - and _ only`);
  return taken.has(name) ? report(context, at, "it_contract.conflict", `another ${what} is called ${name} too`) : name;
}

function networkForm(context: Context, tree: Tree): Omit<NetworkForm, "name"> {
  if (tree.kind === "scalar" && tree.value === null) return { internal: false, cidr: undefined };
  const map = fields(context, tree, { known: ["internal", "ipam", "driver"], section: "network" });
  if (map?.has("driver") === true && map.get("driver") !== undefined)
    report(context, map.get("driver") ?? map, "it_contract.unsupported_key", "unsupported: driver; remove it, every network is private and encrypted end to end");
  return { internal: asBool(context, map?.get("internal")) ?? false, cidr: readSubnet(context, map?.get("ipam")) };
}

function readSubnet(context: Context, tree: Tree | undefined): string | undefined {
  if (tree === undefined) return undefined;
  const list = fields(context, tree, { known: ["config"], section: "ipam" })?.get("config");
  const items = list === undefined ? [] : (asList(context, list)?.items ?? []);
  const [first, second] = items;
  if (second !== undefined) report(context, second, "it_contract.unsupported_key", "unsupported: more than one subnet per network");
  if (first === undefined) return undefined;
  const subnet = fields(context, first, { known: ["subnet"], section: "ipam_config" })?.get("subnet");
  const text = asText(context, subnet);
  if (text === undefined || subnet === undefined) return undefined;
  if (!isPrivate16(text)) return report(context, subnet, "it_contract.invalid_value", "expected a private /16, for example 10.70.0.0/16");
  return text;
}

/** Private space only (RFC 1918): a public range would cut the zmachines off from those addresses. */
function isPrivate16(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.0\.0\/16$/.exec(text);
  const [a, b] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || `${a}.${b}.0.0/16` !== text) return false;
  return (a === 10 && b <= 255) || (a === 192 && b === 168) || (a === 172 && b >= 16 && b <= 31);
}

/** Addresses follow from the names, so that a new version with one network more moves no other network. */
function assignCidrs(context: Context, forms: readonly NetworkForm[], solution: string): readonly Network[] {
  const used = new Set<string>();
  for (const form of forms) {
    if (form.cidr === undefined) continue;
    if (used.has(form.cidr)) report(context, { path: `networks.${form.name}`, line: 1, column: 1 }, "it_contract.conflict", `${form.cidr} is used by two networks`);
    used.add(form.cidr);
  }
  return [...forms]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((form) => {
      const cidr = form.cidr ?? freeCidr(`${solution}/${form.name}`, used);
      used.add(cidr);
      return { name: form.name, cidr, internal: form.internal };
    });
}

function freeCidr(seed: string, used: ReadonlySet<string>): string {
  const start = sha256(utf8(seed))[0] ?? 0;
  for (let step = 0; ; step += 1) {
    const cidr = `10.${64 + ((start + step) % 128)}.0.0/16`;
    if (!used.has(cidr)) return cidr;
  }
}

/** A service's networks in the order written: the first has the default route. */
export function readServiceNetworks(context: Context, service: Fields, defined: ReadonlySet<string>): Service["networks"] {
  const tree = service.get("networks");
  if (tree === undefined) return [{ name: "default", aliases: [] }];
  const entries =
    tree.kind === "list"
      ? asTexts(context, tree).map(({ text, at }) => ({ key: text, at: at as Position, value: undefined }))
      : [...(asMap(context, tree)?.entries.values() ?? [])];
  const out = new Map<string, Service["networks"][number]>();
  for (const entry of entries) {
    const name = named(context, entry, "network", out);
    if (name === undefined) continue;
    if (!defined.has(name)) report(context, entry.at, "it_contract.unknown_reference", `network ${entry.key} is not defined under the top-level networks`);
    out.set(name, { name, aliases: readAliases(context, entry.value) });
  }
  if (out.size === 0) report(context, tree, "it_contract.missing_value", "a service is in one network at least; remove the key for the default network");
  if (out.size > DOCUMENT_BOUNDS.networks) report(context, tree, "it_contract.too_large", `at most ${DOCUMENT_BOUNDS.networks} networks`);
  return [...out.values()];
}

function readAliases(context: Context, tree: Tree | undefined): readonly string[] {
  if (tree === undefined || (tree.kind === "scalar" && tree.value === null)) return [];
  const list = fields(context, tree, { known: ["aliases"], section: "service_network" })?.get("aliases");
  if (list === undefined) return [];
  const aliases = asTexts(context, list).flatMap(({ text, at }) => checkLabel(context, at, text, "an alias") ?? []);
  if (aliases.length > 8) report(context, list, "it_contract.too_large", "at most 8 aliases");
  return [...new Set(aliases)];
}

export function readVolumes(context: Context, tree: Tree | undefined): readonly Volume[] {
  const out = new Map<string, Volume>();
  for (const entry of (tree === undefined ? undefined : asMap(context, tree))?.entries.values() ?? []) {
    const name = named(context, entry, "volume", out);
    if (name !== undefined) out.set(name, { name, ...volumeForm(context, entry.value) });
  }
  return [...out.values()];
}

function volumeForm(context: Context, tree: Tree): Omit<Volume, "name"> {
  if (tree.kind === "scalar" && tree.value === null) return { sizeBytes: DEFAULTS.volumeBytes, kind: "ssd" };
  const map = fields(context, tree, { known: ["driver", "driver_opts", "x-size", "x-kind"], section: "volume" });
  const driver = asText(context, map?.get("driver"));
  if (driver !== undefined && driver !== "local")
    report(context, map?.get("driver") ?? tree, "it_contract.unsupported_key", "unsupported: driver; remove it, volumes are on the 3Node's own disks");
  const optionsTree = map?.get("driver_opts");
  const options = optionsTree === undefined ? undefined : fields(context, optionsTree, { known: ["size"], section: "driver_opts" });
  const size = map?.get("x-size") ?? options?.get("size");
  return {
    sizeBytes: asBytes(context, size, { min: 1024 * 1024, minText: "1m" }) ?? DEFAULTS.volumeBytes,
    kind: asOneOf(context, map?.get("x-kind"), ["ssd", "hdd"]) ?? "ssd",
  };
}
