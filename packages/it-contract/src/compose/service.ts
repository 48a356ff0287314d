/** One service of the file. */
import type { Service } from "@tfgrid/notary";
import { DEFAULTS } from "../limits.ts";
import type { Context } from "./context.ts";
import { readDeploy } from "./deploy.ts";
import type { DraftPlacement, DraftService } from "./draft.ts";
import { readEnvironment } from "./env.ts";
import { readFileMounts } from "./files.ts";
import { type GridPart, readServiceGrid } from "./grid.ts";
import { readHealthcheck } from "./health.ts";
import { readMounts } from "./mounts.ts";
import { readServiceNetworks } from "./networks.ts";
import { type Position, report } from "./problems.ts";
import { asBool, asOneOf, asPairs, asText, asTexts, fields, type Fields } from "./reader.ts";
import type { Entry, Tree } from "./tree.ts";
import { asArgv, asDuration, checkLabel } from "./values.ts";

export const SERVICE_KEYS = [
  "image",
  "command",
  "entrypoint",
  "environment",
  "env_file",
  "user",
  "working_dir",
  "volumes",
  "tmpfs",
  "networks",
  "depends_on",
  "healthcheck",
  "deploy",
  "scale",
  "restart",
  "secrets",
  "configs",
  "hostname",
  "labels",
  "read_only",
  "stop_signal",
  "stop_grace_period",
  "storage_opt",
  "x-grid",
  "x-ingress",
] as const;

/** Names that the top level of the file defines. */
export interface Defined {
  readonly services: ReadonlySet<string>;
  readonly networks: ReadonlySet<string>;
  readonly volumes: ReadonlySet<string>;
  readonly configs: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  readonly grid: GridPart;
}

export interface ReadService {
  readonly service: DraftService;
  readonly at: Position;
  readonly ingress: Tree | undefined;
}

export async function readService(context: Context, entry: Entry, defined: Defined): Promise<ReadService | undefined> {
  const name = checkLabel(context, entry.at, entry.key, "a service's name");
  const map = fields(context, entry.value, { known: SERVICE_KEYS, section: "service" });
  if (map === undefined) return undefined;
  const grid = readServiceGrid(context, map.get("x-grid"));
  const mounts = readMounts(context, map, defined.volumes);
  const deploy = readDeploy(context, map);
  const hasVolume = mounts.some((mount) => mount.type === "volume");
  const service: DraftService = {
    name: name ?? entry.key,
    imageReference: readImage(context, map, entry.at),
    ...readProcess(context, map),
    environment: await readEnvironment(context, map),
    mounts,
    healthcheck: readHealthcheck(context, map.get("healthcheck")),
    isolation: grid.isolation ?? "container",
    networks: readServiceNetworks(context, map, defined.networks),
    configs: readFileMounts(context, map, "config", defined.configs),
    secrets: readFileMounts(context, map, "secret", defined.secrets),
    dependsOn: readDependsOn(context, map.get("depends_on"), entry.key, defined.services),
    ...deploy,
    placement: placementOf(defined.grid, grid.placement),
    // Moving a volume's service means an empty volume: only when the file says so.
    onNodeLoss: grid.onNodeLoss ?? defined.grid.onNodeLoss ?? (hasVolume ? "wait" : "replace"),
    labels: readLabels(context, map.get("labels")),
  };
  return { service, at: entry.at, ingress: map.get("x-ingress") };
}

type ProcessPart = Pick<
  DraftService,
  "entrypoint" | "command" | "user" | "workingDir" | "hostname" | "stopSignal" | "stopGraceMs" | "readOnlyRootfs"
>;

function readProcess(context: Context, map: Fields): ProcessPart {
  const hostnameTree = map.get("hostname");
  const hostname = asText(context, hostnameTree);
  return {
    entrypoint: asArgv(context, map.get("entrypoint"), "entrypoint") ?? [],
    command: asArgv(context, map.get("command"), "command") ?? [],
    user: bounded(context, map, "user", { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/, max: 64 }),
    workingDir: bounded(context, map, "working_dir", { pattern: /^\//, max: 1024 }),
    hostname: hostname === undefined || hostnameTree === undefined ? "" : (checkLabel(context, hostnameTree, hostname, "a host name") ?? ""),
    stopSignal: readSignal(context, map.get("stop_signal")),
    stopGraceMs: asDuration(context, map.get("stop_grace_period")) ?? DEFAULTS.stopGraceMs,
    readOnlyRootfs: asBool(context, map.get("read_only")) ?? false,
  };
}

function bounded(context: Context, map: Fields, key: string, rule: { readonly pattern: RegExp; readonly max: number }): string {
  const { pattern, max } = rule;
  const tree = map.get(key);
  const text = asText(context, tree);
  if (text === undefined || tree === undefined) return "";
  if (pattern.test(text) && text.length <= max) return text;
  report(context, tree, "it_contract.invalid_value", key === "user" ? "expected uid, uid:gid, name or name:group" : "expected an absolute path");
  return "";
}

function readSignal(context: Context, tree: Tree | undefined): string {
  const text = asText(context, tree);
  if (text === undefined || tree === undefined) return "";
  const name = /^SIG/i.test(text) ? text.toUpperCase() : `SIG${text.toUpperCase()}`;
  if (/^SIG[A-Z][A-Z0-9+-]{1,12}$/.test(name)) return name;
  report(context, tree, "it_contract.invalid_value", "expected a signal's name, for example SIGTERM");
  return "";
}

/** [registry[:port]/]path[:tag][@sha256:digest], as the OCI distribution specification writes references. */
const IMAGE = /^(?:[a-zA-Z0-9.-]+(?::\d{1,5})?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

function readImage(context: Context, map: Fields, at: Position): string {
  const tree = map.get("image");
  const text = asText(context, tree);
  if (text === undefined || tree === undefined) {
    report(context, at, "it_contract.missing_value", "image is missing");
    return "";
  }
  if (text.length > 512 || !IMAGE.test(text)) {
    report(context, tree, "it_contract.invalid_value", "expected an image reference, for example registry.example.org/team/web:1.2");
    return "";
  }
  return text;
}

function readDependsOn(context: Context, tree: Tree | undefined, self: string, services: ReadonlySet<string>): Service["dependsOn"] {
  if (tree === undefined) return [];
  const out = new Map<string, Service["dependsOn"][number]>();
  const add = (at: Position, service: string, condition: Service["dependsOn"][number]["condition"]): void => {
    if (service === self) report(context, at, "it_contract.conflict", "a service cannot depend on itself");
    else if (!services.has(service)) report(context, at, "it_contract.unknown_reference", `no service is called ${service}`);
    else out.set(service, { service, condition });
  };
  if (tree.kind !== "map") {
    for (const { text, at } of asTexts(context, tree)) add(at, text, "service_started");
    return [...out.values()];
  }
  for (const entry of tree.entries.values()) {
    const map = fields(context, entry.value, { known: ["condition"], section: "depends_on" });
    const condition = asOneOf(context, map?.get("condition"), ["service_started", "service_healthy", "service_completed_successfully"]);
    add(entry.at, entry.key, condition ?? "service_started");
  }
  return [...out.values()];
}

function readLabels(context: Context, tree: Tree | undefined): Service["labels"] {
  const pairs = asPairs(context, tree);
  const first = pairs[0];
  if (pairs.length > 64 && first !== undefined) report(context, first.at, "it_contract.too_large", "at most 64 labels");
  for (const { key, value, at } of pairs)
    if (key.length < 1 || key.length > 256 || (value?.length ?? 0) > 4096) report(context, at, "it_contract.too_large", "a label's name has 1 to 256, its value at most 4096 characters");
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value ?? ""]));
}

function placementOf(grid: GridPart, own: Partial<DraftPlacement>): DraftPlacement {
  return { countries: [], certifiedOnly: false, minReputation: 0, farms: [], nodeIds: [], spread: "none", ...grid.placement, ...own };
}
