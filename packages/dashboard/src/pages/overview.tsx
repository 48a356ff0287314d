import type { Solution } from "@tfgrid/tfchain";
import { Link } from "react-router";
import { contractsQuery, eventsQuery, gridQuery, nodesQuery, solutionsQuery, statsQuery } from "../api/queries.ts";
import type { NodeRow } from "../api/types.ts";
import { useRead } from "../api/use-read.ts";
import { bytes, cores, count, plural, runsOut, tft } from "../format/numbers.ts";
import { worstFirst } from "../format/states.ts";
import { WorldMap } from "../map/world-map.tsx";
import { costBySolution, totalsOf } from "../totals.ts";
import { Feed } from "../ui/feed.tsx";
import { Card, Dot, Empty, PageTitle, State, Tile } from "../ui/kit.tsx";
import { Loaded } from "../ui/loaded.tsx";

function Tiles({ nodes }: { nodes: readonly NodeRow[] }) {
  const stats = useRead(statsQuery());
  const contracts = useRead(contractsQuery({ state: "Created,GracePeriod" }));
  const { up, nodes: all, cpuMilli, memory, disk } = totalsOf(nodes);
  const waiting = "…";
  return (
    <div className="grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-4 xl:grid-cols-7">
      <Tile label="Nodes up" value={count(up)} of={`of ${count(all)}`} bar={{ used: up, total: all, kind: "health" }} to="/nodes" />
      <Tile label="Cores in use" value={cores(cpuMilli.used)} of={`of ${cores(cpuMilli.total)}`} bar={cpuMilli} />
      <Tile label="Memory in use" value={bytes(memory.used)} of={`of ${bytes(memory.total)}`} bar={memory} />
      <Tile label="Disk in use" value={bytes(disk.used)} of={`of ${bytes(disk.total)}`} bar={disk} />
      <Tile label="Solutions" value={stats.data === undefined ? waiting : count(stats.data.solutions)} to="/solutions">
        {stats.data === undefined ? null : `${count(stats.data.runningSolutions)} running`}
      </Tile>
      <Tile label="Active contracts" value={contracts.data === undefined ? waiting : count(contracts.data.length)} to="/contracts">
        {stats.data === undefined ? null : `${count(stats.data.contracts)} ever made`}
      </Tile>
      <Tile label="Farms" value={stats.data === undefined ? waiting : count(stats.data.farms)} to="/farms">
        {stats.data === undefined ? null : plural(stats.data.countries, "country", "countries")}
      </Tile>
    </div>
  );
}

function Legend() {
  return (
    <span className="flex flex-wrap gap-x-3">
      <span className="flex items-center gap-1.5"><Dot tone="good" /> up</span>
      <span className="flex items-center gap-1.5"><Dot tone="warn" /> maintenance</span>
      <span className="flex items-center gap-1.5"><Dot tone="bad" /> lost</span>
      <span className="flex items-center gap-1.5"><Dot tone="quiet" /> asleep</span>
    </span>
  );
}

function SolutionLine({ solution, cost }: { solution: Solution; cost: bigint | undefined }) {
  return (
    <li className="border-b border-line last:border-0">
      <Link to={`/solutions/${solution.id}`} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 no-underline hover:bg-raised/50">
        <span className="min-w-32 grow font-medium">{solution.name}</span>
        <span className="text-xs text-muted">version {solution.version}</span>
        <span className="text-xs text-muted">{cost === undefined ? "" : `${tft(cost)}/h, money runs out ${runsOut(solution.escrowUnits, cost)}`}</span>
        <State state={solution.state} />
      </Link>
    </li>
  );
}

function Solutions() {
  const solutions = useRead(solutionsQuery());
  const contracts = useRead(contractsQuery({ state: "Created,GracePeriod" }));
  const costs = contracts.data === undefined ? undefined : costBySolution(contracts.data);
  return (
    <Card title="Solutions" pad={false} aside={<Link to="/solutions" className="link">All solutions</Link>}>
      <Loaded query={solutions} what="solutions">
        {(all) => {
          const alive = all.filter((solution) => solution.state !== "cancelled").sort((a, b) => worstFirst(a.state, b.state));
          if (alive.length === 0) return <Empty>No solution runs yet. <Link to="/deploy" className="link">Deploy one</Link> from a Compose file.</Empty>;
          return <ul className="m-0 list-none p-0">{alive.slice(0, 6).map((solution) => <SolutionLine key={solution.id} solution={solution} cost={costs?.get(solution.id)} />)}</ul>;
        }}
      </Loaded>
    </Card>
  );
}

function Gateways({ nodes }: { nodes: readonly NodeRow[] }) {
  const grid = useRead(gridQuery());
  const gateways = nodes.filter((node) => node.publicConfig.domain !== "");
  const address = grid.data?.gateway?.http ?? grid.data?.gateway?.https;
  return (
    <Card title="Web gateways" pad={false}>
      {gateways.length === 0 ? (
        <Empty>No node serves as a web gateway.</Empty>
      ) : (
        <ul className="m-0 list-none p-0">
          {gateways.map((node) => (
            <li key={node.nodeId} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line px-4 py-3 last:border-0">
              <div className="min-w-0 grow">
                <div className="font-medium break-all">*.{node.publicConfig.domain}</div>
                <div className="text-xs text-muted">
                  <Link to={`/nodes/${node.nodeId}`} className="link">node {node.nodeId}</Link>
                  {node.publicConfig.ipv4 === "" ? "" : ` · ${node.publicConfig.ipv4}`}
                  {address === undefined || grid.data?.gateway?.domain !== node.publicConfig.domain ? "" : ` · ${address}`}
                </div>
              </div>
              <State state={node.status} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

export function OverviewPage() {
  const nodes = useRead(nodesQuery());
  const events = useRead(eventsQuery());
  const solutions = useRead(solutionsQuery());
  const nameOf = (id: number): string | undefined => solutions.data?.find((solution) => solution.id === id)?.name;
  return (
    <>
      <PageTitle title="Overview">Capacity that farmers offer, and what runs on it, as the ledger has it now.</PageTitle>
      <Loaded query={nodes} what="nodes" lines={3}>{(all) => <Tiles nodes={all} />}</Loaded>
      <div className="mt-4 grid gap-4 lg:grid-cols-3">
        <div className="flex min-w-0 flex-col gap-4 lg:col-span-2">
          <Card title="Nodes" aside={<Legend />} pad={false}>
            <Loaded query={nodes} what="nodes" lines={8}>{(all) => <WorldMap nodes={all} />}</Loaded>
          </Card>
          <div className="grid gap-4 xl:grid-cols-2">
            <Solutions />
            <Loaded query={nodes} what="gateways" lines={2}>{(all) => <Gateways nodes={all} />}</Loaded>
          </div>
        </div>
        <Card title="What happens" pad={false} className="lg:relative">
          <div className="max-h-[34rem] overflow-y-auto lg:absolute lg:inset-x-0 lg:top-[45px] lg:bottom-0 lg:max-h-none" tabIndex={0} role="region" aria-label="Events, newest first">
            <Loaded query={events} what="events" lines={8}>{(rows) => <Feed rows={rows} nameOf={nameOf} label="Events" />}</Loaded>
          </div>
        </Card>
      </div>
    </>
  );
}
