/** `x-grid` and `x-ingress`: what Compose has no words for. Unlike other extension fields they are checked strictly. */
import type { Ingress, Service, SolutionDocument } from "@tfgrid/notary";
import { parseTft, type TwinId } from "@tfgrid/primitives";
import type { Context } from "./context.ts";
import type { DraftPlacement } from "./draft.ts";
import { type Position, report } from "./problems.ts";
import { asBool, asInt, asList, asOneOf, asText, asTexts, fields, type Fields } from "./reader.ts";
import type { Tree } from "./tree.ts";
import { checkLabel } from "./values.ts";

const ID = { min: 1, max: Number.MAX_SAFE_INTEGER };
type OnNodeLoss = Service["onNodeLoss"];
type Signers = SolutionDocument["signers"];
type Thresholds = SolutionDocument["thresholds"];

export interface GridPart {
  readonly budgetPerHourUnits: bigint;
  readonly depositUnits: bigint | undefined;
  readonly agentTwinId: TwinId | undefined;
  readonly signers: Signers | undefined;
  readonly thresholds: Thresholds | undefined;
  readonly placement: PlacementForm;
  readonly onNodeLoss: OnNodeLoss | undefined;
}

export interface ServiceGridPart {
  readonly placement: PlacementForm;
  readonly onNodeLoss: OnNodeLoss | undefined;
  readonly isolation: Service["isolation"] | undefined;
}

/** Only what the file says; the service's own words go before the solution's. */
export type PlacementForm = Partial<DraftPlacement>;

const TOP_KEYS = ["budget", "deposit", "placement", "signers", "threshold", "agent", "on_node_loss"];

export function readGrid(context: Context, tree: Tree | undefined): GridPart {
  const map = tree === undefined ? undefined : fields(context, tree, { known: TOP_KEYS, section: "x-grid", extensions: false });
  const at: Position = map ?? { path: "x-grid", line: 1, column: 1 };
  const budget = readMoney(context, map?.get("budget"), "5 TFT/h");
  if (map?.get("budget") === undefined)
    report(context, at, "it_contract.missing_value", 'x-grid.budget is missing: say what the solution may cost at most, for example budget: "5 TFT/h"');
  const signers = readSigners(context, map?.get("signers"));
  const agent = asInt(context, map?.get("agent"), ID);
  return {
    budgetPerHourUnits: budget ?? 1n,
    depositUnits: readMoney(context, map?.get("deposit"), "100 TFT"),
    agentTwinId: agent as TwinId | undefined,
    signers,
    thresholds: readThresholds(context, map?.get("threshold"), signers),
    placement: readPlacement(context, map?.get("placement")),
    onNodeLoss: asOneOf(context, map?.get("on_node_loss"), ["replace", "wait"]),
  };
}

export function readServiceGrid(context: Context, tree: Tree | undefined): ServiceGridPart {
  const known = ["placement", "on_node_loss", "isolation"];
  const map = tree === undefined ? undefined : fields(context, tree, { known, section: "x-grid", extensions: false });
  return {
    placement: readPlacement(context, map?.get("placement")),
    onNodeLoss: asOneOf(context, map?.get("on_node_loss"), ["replace", "wait"]),
    isolation: asOneOf(context, map?.get("isolation"), ["container", "microvm"]),
  };
}

function readMoney(context: Context, tree: Tree | undefined, example: string): bigint | undefined {
  const text = asText(context, tree);
  if (text === undefined || tree === undefined) return undefined;
  const amount = text.replace(/\s*(TFT)?\s*(\/\s*h(our)?)?\s*$/i, "");
  const units = parseTft(amount);
  if (units !== undefined && units > 0n) return units;
  return report(context, tree, "it_contract.invalid_value", `expected an amount above 0 with at most 7 decimals, for example ${example}`);
}

function readSigners(context: Context, tree: Tree | undefined): Signers | undefined {
  if (tree === undefined) return undefined;
  const items = asList(context, tree)?.items ?? [];
  const seen = new Set<number>();
  const signers = items.flatMap((item) => {
    const map = item.kind === "map" ? fields(context, item, { known: ["twin", "weight"], section: "signers", extensions: false }) : undefined;
    const twin = asInt(context, item.kind === "map" ? map?.get("twin") : item, ID);
    const weight = asInt(context, map?.get("weight"), { min: 1, max: 1000 }) ?? 1;
    if (twin === undefined) return report(context, item, "it_contract.missing_value", "expected a twin's number, or {twin, weight}") ?? [];
    if (seen.has(twin)) return report(context, item, "it_contract.conflict", `twin ${twin} signs twice`) ?? [];
    seen.add(twin);
    return [{ twinId: twin as TwinId, weight }];
  });
  if (signers.length === 0) return report(context, tree, "it_contract.missing_value", "name one signer at least");
  return signers.length <= 32 ? signers : report(context, tree, "it_contract.too_large", "at most 32 signers");
}

function readThresholds(context: Context, tree: Tree | undefined, signers: Signers | undefined): Thresholds | undefined {
  const total = signers?.reduce((sum, signer) => sum + signer.weight, 0) ?? 1;
  // Several named signers and no word about how many: all of them.
  if (tree === undefined) return signers === undefined ? undefined : { provision: total, amend: total, delete: total };
  const range = { min: 1, max: total };
  if (tree.kind !== "map") {
    const all = asInt(context, tree, range) ?? 1;
    return { provision: all, amend: all, delete: all };
  }
  const map = fields(context, tree, { known: ["provision", "amend", "delete"], section: "threshold", extensions: false });
  const provision = asInt(context, map?.get("provision"), range) ?? total;
  return {
    provision,
    amend: asInt(context, map?.get("amend"), range) ?? provision,
    delete: asInt(context, map?.get("delete"), range) ?? provision,
  };
}

const PLACEMENT_KEYS = ["countries", "certified", "min_reputation", "farms", "nodes", "spread"];

function readPlacement(context: Context, tree: Tree | undefined): PlacementForm {
  const map = tree === undefined ? undefined : fields(context, tree, { known: PLACEMENT_KEYS, section: "placement", extensions: false });
  if (map === undefined) return {};
  const certified = asBool(context, map.get("certified"));
  const reputation = asInt(context, map.get("min_reputation"), { min: 0, max: 1000 });
  const spread = asOneOf(context, map.get("spread"), ["node", "farm", "none"]);
  const nodes = map.get("nodes");
  const nodeIds = (nodes?.kind === "list" ? nodes.items : nodes === undefined ? [] : [nodes]).flatMap((item) => asInt(context, item, ID) ?? []);
  const farms = asTexts(context, map.get("farms")).map(({ text }) => (/^\d{1,15}$/.test(text) ? Number(text) : text));
  return {
    ...(map.has("countries") ? { countries: readCountries(context, map) } : {}),
    ...(certified === undefined ? {} : { certifiedOnly: certified }),
    ...(reputation === undefined ? {} : { minReputation: reputation }),
    ...(map.has("farms") ? { farms: boundedList(context, map, { key: "farms", max: 64 }, farms) } : {}),
    ...(nodes === undefined ? {} : { nodeIds: boundedList(context, map, { key: "nodes", max: 64 }, nodeIds) as DraftPlacement["nodeIds"] }),
    ...(spread === undefined ? {} : { spread }),
  };
}

function readCountries(context: Context, map: Fields): readonly string[] {
  const countries = asTexts(context, map.get("countries")).flatMap(({ text, at }) =>
    text.length >= 2 && text.length <= 60 ? [text] : (report(context, at, "it_contract.invalid_value", "expected a country's name") ?? []),
  );
  return boundedList(context, map, { key: "countries", max: 32 }, countries);
}

function boundedList<T>(context: Context, map: Fields, bound: { readonly key: string; readonly max: number }, items: readonly T[]): readonly T[] {
  const { key, max } = bound;
  if (items.length <= max) return items;
  report(context, map.get(key) ?? map, "it_contract.too_large", `at most ${max} entries`);
  return items.slice(0, max);
}

export interface IngressOwner {
  readonly service?: string;
  readonly networksOf: ReadonlyMap<string, readonly string[]>;
}

/** One rule or a list of them, at the top level (with `service`) or in a service. */
export function readIngress(context: Context, tree: Tree | undefined, owner: IngressOwner): readonly Ingress[] {
  if (tree === undefined) return [];
  const items = tree.kind === "list" ? tree.items : [tree];
  return items.flatMap((item) => ingressRule(context, item, owner) ?? []);
}

function ingressRule(context: Context, tree: Tree, owner: IngressOwner): Ingress | undefined {
  const known = ["port", "name", "tls", "network", ...(owner.service === undefined ? ["service"] : [])];
  const map = fields(context, tree, { known, section: "x-ingress", extensions: false });
  if (map === undefined) return undefined;
  const service = owner.service ?? asText(context, map.get("service"));
  const port = asInt(context, map.get("port"), { min: 1, max: 65_535 });
  const nameTree = map.get("name");
  const nameText = asText(context, nameTree);
  for (const [key, value] of [["service", service], ["port", map.get("port")], ["name", nameTree]] as const)
    if (value === undefined) report(context, tree, "it_contract.missing_value", `${key} is missing`);
  if (service === undefined || port === undefined || nameText === undefined || nameTree === undefined) return undefined;
  const networks = owner.networksOf.get(service);
  if (networks === undefined) return report(context, map.get("service") ?? tree, "it_contract.unknown_reference", `no service is called ${service}`);
  const name = checkLabel(context, nameTree, nameText, "a public name");
  const network = asText(context, map.get("network")) ?? networks[0] ?? "default";
  if (!networks.includes(network))
    return report(context, map.get("network") ?? tree, "it_contract.unknown_reference", `service ${service} is not in network ${network}`);
  const tls = asOneOf(context, map.get("tls"), ["both", "redirect", "passthrough"]) ?? "both";
  return name === undefined ? undefined : { service, port, name, network, tls };
}
