/** What the address says about a list, and what the list shows then. Pure: the address is the only state. */
export const NODE_STATUS = ["all", "up", "down", "standby", "maintenance"] as const;
export type NodeStatus = (typeof NODE_STATUS)[number];

export interface NodeFilter {
  readonly status: NodeStatus;
  readonly country: string;
  readonly search: string;
  readonly page: number;
}

const oneOf = <T extends string>(known: readonly T[], value: string | null, otherwise: T): T => known.find((word) => word === value) ?? otherwise;
const pageOf = (query: URLSearchParams): number => {
  const value = Number(query.get("page") ?? 1);
  return Number.isSafeInteger(value) && value > 0 ? value : 1;
};

export const readNodeFilter = (query: URLSearchParams): NodeFilter => ({
  status: oneOf(NODE_STATUS, query.get("status"), "all"),
  country: query.get("country") ?? "",
  search: query.get("search") ?? "",
  page: pageOf(query),
});

interface FilterableNode {
  readonly nodeId: number;
  readonly status: string;
  readonly country: string;
  readonly city: string;
  readonly farmName: string;
  readonly publicConfig: { readonly domain: string };
  readonly maintenance: { readonly mode: string };
}

function hasStatus(node: FilterableNode, status: NodeStatus): boolean {
  if (status === "all") return true;
  return status === "maintenance" ? node.maintenance.mode !== "none" : node.status === status;
}

/** Every word must be found somewhere; a number alone also means the id. */
export function matches(search: string, texts: readonly (string | number)[]): boolean {
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const hay = texts.map((text) => String(text).toLowerCase());
  return words.every((word) => hay.some((text, index) => (typeof texts[index] === "number" ? text === word : text.includes(word))));
}

export function filterNodes<T extends FilterableNode>(nodes: readonly T[], filter: NodeFilter): readonly T[] {
  return nodes.filter(
    (node) =>
      hasStatus(node, filter.status) &&
      (filter.country === "" || node.country === filter.country) &&
      matches(filter.search.replace(/\bnode\b/gi, ""), [node.nodeId, node.city, node.country, node.farmName, node.publicConfig.domain]),
  );
}

export const CONTRACT_STATES = ["active", "all", "grace", "deleted"] as const;
export const CONTRACT_TYPES = ["all", "node", "name", "rent"] as const;
export interface ContractFilter {
  readonly state: (typeof CONTRACT_STATES)[number];
  readonly type: (typeof CONTRACT_TYPES)[number];
  readonly search: string;
  readonly page: number;
}

export const readContractFilter = (query: URLSearchParams): ContractFilter => ({
  state: oneOf(CONTRACT_STATES, query.get("state"), "active"),
  type: oneOf(CONTRACT_TYPES, query.get("type"), "all"),
  search: query.get("search") ?? "",
  page: pageOf(query),
});

/** The explorer's query for the part of the filter that it can answer. */
export function contractQuery(filter: ContractFilter): Readonly<Record<string, string>> {
  const states = { active: "Created,GracePeriod", grace: "GracePeriod", deleted: "Deleted", all: "" }[filter.state];
  return { ...(states === "" ? {} : { state: states }), ...(filter.type === "all" ? {} : { type: filter.type }) };
}

/** A changed filter starts at its first page; defaults leave the address. */
export function withFilter(query: URLSearchParams, change: Readonly<Record<string, string>>): URLSearchParams {
  const next = new URLSearchParams(query);
  if (!("page" in change)) next.delete("page");
  for (const [key, value] of Object.entries(change)) {
    if (value === "" || (key === "page" && value === "1")) next.delete(key);
    else next.set(key, value);
  }
  return next;
}

export interface PageOf<T> {
  readonly rows: readonly T[];
  readonly page: number;
  readonly pages: number;
}

/** A page beyond the end is the last one: the list may have shrunk since the address was kept. */
export function paginate<T>(rows: readonly T[], page: number, size: number): PageOf<T> {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const shown = Math.min(page, pages);
  return { rows: rows.slice((shown - 1) * size, shown * size), page: shown, pages };
}
