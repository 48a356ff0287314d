import { Link } from "react-router";
import { nodesQuery } from "../api/queries.ts";
import type { NodeRow } from "../api/types.ts";
import { useRead } from "../api/use-read.ts";
import { filterNodes, paginate, readNodeFilter } from "../filters.ts";
import { bytes, cores, count, duration, plural } from "../format/numbers.ts";
import { nodeWord } from "../format/states.ts";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { FilterBar, SearchField, SelectField } from "../ui/filter-bar.tsx";
import { Bar, Card, type Column, PageTitle, Pager, State, Table, Tag } from "../ui/kit.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { useFilter } from "../ui/use-filter.ts";

function Use({ used, total, words, label }: { used: number; total: number; words: string; label: string }) {
  return (
    <div className="w-28">
      <div className="text-xs whitespace-nowrap text-muted">{words}</div>
      <Bar used={used} total={total} label={label} slim />
    </div>
  );
}

const COLUMNS: readonly Column<NodeRow>[] = [
  {
    name: "Node",
    cell: (node) => (
      <Link to={`/nodes/${node.nodeId}`} className="link font-medium whitespace-nowrap">
        Node {node.nodeId}
      </Link>
    ),
  },
  {
    name: "State",
    cell: (node) => (
      <span className="flex flex-wrap gap-1">
        <State state={node.status} label={nodeWord(node.status)} />
        {node.maintenance.mode === "none" ? null : <State state={node.maintenance.mode} />}
      </span>
    ),
  },
  {
    name: "Where",
    cell: (node) => (
      <>
        <div>{node.city === "" ? node.country : `${node.city}, ${node.country}`}</div>
        <div className="text-xs text-muted">{node.farmName}</div>
      </>
    ),
  },
  { name: "Cores", wide: true, cell: ({ cpu_milli: cpu, nodeId }) => <Use used={cpu.used} total={cpu.total} words={`${cores(cpu.used)} of ${cores(cpu.total)}`} label={`Cores of node ${nodeId}`} /> },
  { name: "Memory", wide: true, cell: ({ total_resources: all, used_resources: used, nodeId }) => <Use used={used.mru} total={all.mru} words={`${bytes(used.mru)} of ${bytes(all.mru)}`} label={`Memory of node ${nodeId}`} /> },
  { name: "Disk", wide: true, cell: ({ total_resources: all, used_resources: used, nodeId }) => <Use used={used.sru + used.hru} total={all.sru + all.hru} words={`${bytes(used.sru + used.hru)} of ${bytes(all.sru + all.hru)}`} label={`Disk of node ${nodeId}`} /> },
  { name: "Uptime", wide: true, right: true, cell: (node) => (node.status === "up" ? duration(node.uptime * 1000) : "–") },
  { name: "Contracts", right: true, cell: (node) => count(node.contracts) },
  { name: "Gateway", wide: true, cell: (node) => (node.publicConfig.domain === "" ? null : <Tag tone="info">{node.publicConfig.domain}</Tag>) },
];

export function NodesPage() {
  const nodes = useRead(nodesQuery());
  const [filter, setFilter] = useFilter(readNodeFilter);
  const countries = [...new Set((nodes.data ?? []).map((node) => node.country))].sort();
  return (
    <>
      <PageTitle title="Nodes">Machines of farmers: what each offers, how much is taken, and whether it answers.</PageTitle>
      <FilterBar label="Filter nodes">
        <SearchField label="Search" value={filter.search} placeholder="id, city, farm, domain" onChange={(search) => setFilter({ search })} />
        <SelectField label="Status" value={filter.status} onChange={(status) => setFilter({ status: status === "all" ? "" : status })} options={[["all", "All"], ["up", "Up"], ["down", "Lost"], ["standby", "Asleep"], ["maintenance", "In maintenance"]]} />
        <SelectField label="Country" value={filter.country} onChange={(country) => setFilter({ country })} options={[["", "All countries"], ...countries.map((country) => [country, country] as const)]} />
      </FilterBar>
      <Card pad={false}>
        <Loaded query={nodes} what="nodes" lines={8}>
          {(all) => {
            const found = filterNodes(all, filter);
            const { rows, page, pages } = paginate(found, filter.page, L.pageRows);
            return (
              <>
                <Table caption="Nodes" columns={COLUMNS} rows={rows} keyOf={(node) => node.nodeId} empty={all.length === 0 ? "No node has joined yet." : "No node fits this filter."} />
                <Pager page={page} pages={pages} onPage={(next) => setFilter({ page: String(next) })} total={`${plural(found.length, "node")}${found.length === all.length ? "" : ` of ${count(all.length)}`}`} />
              </>
            );
          }}
        </Loaded>
      </Card>
    </>
  );
}
