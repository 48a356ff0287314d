/** Compose file -> checked draft. Offline: nothing but the named files is read, no registry, no ledger. */
import type { Ingress } from "@tfgrid/notary";
import type { Context, ReadFile } from "./context.ts";
import type { ComposeDraft, DraftService } from "./draft.ts";
import { readConfigs, readContents } from "./files.ts";
import { type GridPart, readGrid, readIngress } from "./grid.ts";
import type { Variables } from "./interpolate.ts";
import { DOCUMENT_BOUNDS, LEDGER_BOUNDS } from "./bounds.ts";
import { readNetworks, readVolumes } from "./networks.ts";
import { type Position, type Problem, problemsError, report, warn } from "./problems.ts";
import { asMap, asText, fields, type Fields } from "./reader.ts";
import { type ReadService, readService } from "./service.ts";
import { type MapTree, parseTree } from "./tree.ts";
import { checkLabel, toLabel } from "./values.ts";

export interface ParseComposeOptions {
  readonly text: string;
  /** As people know it: it is part of every problem. */
  readonly fileName: string;
  /** Variables for interpolation (the caller merges `.env` and its environment). */
  readonly environment: Variables;
  readonly readFile: ReadFile;
  /** Name when the file has none; usually the folder's. */
  readonly defaultName?: string;
}

export type ParseComposeResult =
  | { readonly ok: true; readonly draft: ComposeDraft; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

export const ROOT_KEYS = ["name", "version", "services", "networks", "volumes", "configs", "secrets", "x-grid", "x-ingress"] as const;
const TOP: Position = { path: "", line: 1, column: 1 };

/** Never rejects for a bad file: all its problems are the answer. */
export async function parseCompose(options: ParseComposeOptions): Promise<ParseComposeResult> {
  const context: Context = {
    file: options.fileName,
    problems: [],
    warnings: [],
    environment: options.environment,
    readFile: options.readFile,
  };
  const tree = parseTree(options.text, options.environment, context);
  const root = tree === undefined ? undefined : fields(context, tree, { known: ROOT_KEYS, section: "root" });
  const draft = root === undefined ? undefined : await readRoot(context, root, options.defaultName);
  const { problems, warnings } = context;
  if (draft === undefined || problems.length > 0) {
    problems.sort((a, b) => a.line - b.line || a.column - b.column);
    return { ok: false, problems, warnings };
  }
  return { ok: true, draft, warnings };
}

/** @throws GridError with every problem in its message and details */
export async function parseComposeOrThrow(options: ParseComposeOptions): Promise<{ readonly draft: ComposeDraft; readonly warnings: readonly Problem[] }> {
  const result = await parseCompose(options);
  if (!result.ok) throw problemsError(result.problems);
  return result;
}

async function readRoot(context: Context, root: Fields, defaultName: string | undefined): Promise<ComposeDraft | undefined> {
  if (root.has("version")) warn(context, root.get("version") ?? root, "it_contract.unsupported_key", "version is obsolete in Compose and has no meaning; remove it");
  const name = readName(context, root, defaultName);
  const grid = readGrid(context, root.get("x-grid"));
  const networks = readNetworks(context, root.get("networks"), name);
  const volumes = readVolumes(context, root.get("volumes"));
  const configs = await readConfigs(context, root.get("configs"));
  const secrets = await readContents(context, root.get("secrets"), "secret");
  const servicesTree = root.get("services");
  const map = servicesTree === undefined ? undefined : asMap(context, servicesTree);
  if (map === undefined || map.entries.size === 0) return report(context, servicesTree ?? root, "it_contract.missing_value", "services is missing or empty");
  const names = (list: readonly { readonly name: string }[]): ReadonlySet<string> => new Set(list.map((item) => item.name));
  const read = await readServices(context, map, {
    services: new Set(map.entries.keys()),
    networks: names(networks),
    volumes: names(volumes),
    configs: names(configs),
    secrets: names(secrets),
    grid,
  });
  const services = read.map(({ service }) => service);
  checkDependencies(context, read);
  checkUpdates(context, read);
  const used = new Set(services.flatMap((service) => service.networks.map((network) => network.name)));
  checkSizes(context, root, { services, networks: used, volumes, configs, secrets });
  return {
    name,
    services,
    networks: networks.filter((network) => used.has(network.name)),
    volumes,
    configs,
    secrets,
    ingress: readAllIngress(context, root, read),
    budgetPerHourUnits: grid.budgetPerHourUnits,
    ...optionalParts(grid),
  };
}

function optionalParts(grid: GridPart): Pick<ComposeDraft, "depositUnits" | "agentTwinId" | "signers" | "thresholds"> {
  return {
    ...(grid.depositUnits === undefined ? {} : { depositUnits: grid.depositUnits }),
    ...(grid.agentTwinId === undefined ? {} : { agentTwinId: grid.agentTwinId }),
    ...(grid.signers === undefined ? {} : { signers: grid.signers }),
    ...(grid.thresholds === undefined ? {} : { thresholds: grid.thresholds }),
  };
}

function readName(context: Context, root: Fields, defaultName: string | undefined): string {
  const tree = root.get("name");
  const text = asText(context, tree);
  if (text !== undefined && tree !== undefined) return checkLabel(context, tree, text, "the solution's name") ?? "invalid";
  const fallback = defaultName === undefined ? undefined : toLabel(defaultName);
  if (fallback === undefined) report(context, root, "it_contract.missing_value", "name is missing: give the solution a name");
  return fallback ?? "invalid";
}

async function readServices(context: Context, map: MapTree, defined: Parameters<typeof readService>[2]): Promise<readonly ReadService[]> {
  const out: ReadService[] = [];
  for (const entry of map.entries.values()) {
    const service = await readService(context, entry, defined);
    if (service !== undefined) out.push(service);
  }
  return out;
}

function readAllIngress(context: Context, root: Fields, read: readonly ReadService[]): readonly Ingress[] {
  const networksOf = new Map(read.map(({ service }) => [service.name, service.networks.map((network) => network.name)]));
  const rules = [
    ...readIngress(context, root.get("x-ingress"), { networksOf }),
    ...read.flatMap(({ service, ingress }) => readIngress(context, ingress, { service: service.name, networksOf })),
  ];
  const seen = new Set<string>();
  for (const rule of rules) {
    if (seen.has(rule.name)) report(context, { ...TOP, path: "x-ingress" }, "it_contract.conflict", `two ingress rules are named ${rule.name}`);
    seen.add(rule.name);
  }
  if (rules.length > DOCUMENT_BOUNDS.ingressRules) report(context, { ...TOP, path: "x-ingress" }, "it_contract.too_large", `at most ${DOCUMENT_BOUNDS.ingressRules} rules`);
  return rules;
}

/** Conditions that can never come true: cycles, health of a service without a check, completion of one that always restarts. */
function checkDependencies(context: Context, read: readonly ReadService[]): void {
  const byName = new Map<string, ReadService>(read.map((item) => [item.service.name, item]));
  for (const { service, at } of read) {
    for (const dependency of service.dependsOn) {
      const target = byName.get(dependency.service)?.service;
      const where = { ...at, path: `${at.path}.depends_on.${dependency.service}` };
      if (dependency.condition === "service_healthy" && target?.healthcheck === null)
        report(context, where, "it_contract.conflict", `condition service_healthy, but ${dependency.service} has no healthcheck`);
      if (dependency.condition === "service_completed_successfully" && target?.restart.condition === "any")
        report(context, where, "it_contract.conflict", `condition service_completed_successfully, but ${dependency.service} always restarts; set its restart to "no" or on-failure`);
    }
    if (reaches(byName, service, service.name, new Set())) report(context, at, "it_contract.conflict", "its depends_on leads back to itself");
  }
}

/** Rules that no placement and no update could keep. */
function checkUpdates(context: Context, read: readonly ReadService[]): void {
  const owners = new Map<string, DraftService>();
  for (const { service, at } of read) {
    const volumes = service.mounts.filter((mount) => mount.type === "volume").map((mount) => mount.source);
    const { order, failureAction } = service.update;
    if (failureAction === "rollback" && (volumes.length > 0 || order !== "start-first"))
      report(context, at, "it_contract.conflict", "failure_action rollback needs order start-first and no volume, so that the older zmachine still runs; use pause");
    if (order === "start-first" && volumes.length > 0)
      report(context, at, "it_contract.conflict", "order start-first would let two zmachines write one volume; use stop-first");
    for (const volume of new Set(volumes)) {
      const other = owners.get(volume) ?? service;
      owners.set(volume, other);
      if (other.onNodeLoss !== service.onNodeLoss)
        report(context, at, "it_contract.conflict", `it shares volume ${volume} with ${other.name}, so both need the same on_node_loss`);
    }
  }
}

function reaches(byName: ReadonlyMap<string, ReadService>, from: DraftService, target: string, seen: Set<string>): boolean {
  return from.dependsOn.some(({ service }) => {
    if (service === target) return true;
    if (seen.has(service)) return false;
    seen.add(service);
    const next = byName.get(service)?.service;
    return next !== undefined && reaches(byName, next, target, seen);
  });
}

interface Sizes {
  readonly services: readonly DraftService[];
  readonly networks: ReadonlySet<string>;
  readonly volumes: readonly unknown[];
  readonly configs: readonly unknown[];
  readonly secrets: readonly unknown[];
}

function checkSizes(context: Context, root: Fields, sizes: Sizes): void {
  const counts: readonly (readonly [string, number, number])[] = [
    ["services", sizes.services.length, DOCUMENT_BOUNDS.services],
    ["networks", sizes.networks.size, Math.min(DOCUMENT_BOUNDS.networks, LEDGER_BOUNDS.networksPerContract)],
    ["volumes", sizes.volumes.length, DOCUMENT_BOUNDS.volumes],
    ["configs", sizes.configs.length, DOCUMENT_BOUNDS.files],
    ["secrets", sizes.secrets.length, DOCUMENT_BOUNDS.files],
  ];
  for (const [key, count, max] of counts)
    if (count > max) report(context, root.get(key) ?? root, "it_contract.too_large", `${count} ${key} where at most ${max} are allowed`);
  for (const service of sizes.services) {
    const tooMany = [service.mounts.length > DOCUMENT_BOUNDS.volumes, service.configs.length > DOCUMENT_BOUNDS.files, service.secrets.length > DOCUMENT_BOUNDS.files];
    if (tooMany.includes(true)) report(context, root, "it_contract.too_large", `service ${service.name} has too many mounts, configs or secrets`);
  }
}
