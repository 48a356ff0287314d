import { Link, useParams } from "react-router";
import { contractsQuery, nodeQuery, solutionsQuery } from "../api/queries.ts";
import type { NodeDetail } from "../api/types.ts";
import { useRead } from "../api/use-read.ts";
import { ago, bytes, cores, dateTime, duration, plural, share, shortKey } from "../format/numbers.ts";
import { nodeWord } from "../format/states.ts";
import { Bar, Card, Facts, PageTitle, State, Table, Tag } from "../ui/kit.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { useNow } from "../ui/now.ts";
import { contractColumns } from "./contract-table.tsx";

function Capacity({ node }: { node: NodeDetail }) {
  const { total_resources: all, used_resources: used } = node.capacity;
  const rows = [
    ["Cores", node.cpu_milli.used, node.cpu_milli.total, cores],
    ["Memory", used.mru, all.mru, bytes],
    ["SSD", used.sru, all.sru, bytes],
    ...(all.hru === 0 ? [] : [["HDD", used.hru, all.hru, bytes] as const]),
  ] as const;
  return (
    <Card title="Capacity">
      <div className="space-y-4">
        {rows.map(([name, taken, total, words]) => (
          <div key={name}>
            <div className="mb-1 flex justify-between text-sm">
              <span className="text-muted">{name}</span>
              <span>
                {words(taken)} of {words(total)} <span className="text-muted">({Math.round(share(taken, total))} %)</span>
              </span>
            </div>
            <Bar used={taken} total={total} label={name} />
          </div>
        ))}
      </div>
    </Card>
  );
}

function Life({ node }: { node: NodeDetail }) {
  const now = useNow();
  const { mode, sinceMs, noticeUntilMs } = node.maintenance;
  return (
    <Card title="Life">
      <Facts
        rows={[
          ["State", <State key="state" state={node.status} label={nodeWord(node.status)} />],
          [{ up: "Up since", down: "Lost since", standby: "Asleep since" }[node.status], node.upChangedMs === 0 ? "–" : `${dateTime(node.upChangedMs)} (${duration(now - node.upChangedMs)})`],
          ["Uptime", duration(node.uptime * 1000)],
          ["Last sign of life", node.lastHeartbeatMs === 0 ? "none yet" : ago(node.lastHeartbeatMs, now)],
          ["Maintenance", mode === "none" ? "none" : <span key="m"><State state={mode} /> since {dateTime(sinceMs)}{noticeUntilMs > sinceMs ? `, announced until ${dateTime(noticeUntilMs)}` : ""}</span>],
          ["Farm", <Link key="farm" to={`/nodes?search=${encodeURIComponent(node.farmName)}`} className="link">{node.farmName}</Link>],
          ["Twin", node.twinId],
          ["Isolation", <span key="i" className="flex gap-1">{node.isolation.map((kind) => <Tag key={kind}>{kind}</Tag>)}</span>],
          ["Software", node.softwareVersion],
          ["Certified", node.certificationType === "Certified" ? "yes" : "no"],
        ]}
      />
    </Card>
  );
}

function Network({ node }: { node: NodeDetail }) {
  const { domain, ipv4, ipv6 } = node.publicConfig;
  return (
    <Card title="Network">
      <Facts
        rows={[
          ...node.interfaces.map((nic) => [nic.name, <span key={nic.name}>{nic.addresses.join(", ") || "no address"} <span className="text-xs text-muted">{nic.mac}</span></span>] as const),
          ["Peer network", node.meshEndpoints.length === 0 ? "no endpoint: this node only dials out" : <code key="mesh" className="text-xs">{node.meshEndpoints.map(({ address, port }) => (address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`)).join(", ")}</code>],
          ["Mesh key", <code key="key" title={node.meshKey} className="text-xs">{shortKey(node.meshKey, 12)}</code>],
          ...(domain === "" ? [] : [["Web gateway", `*.${domain}`] as const]),
          ...(ipv4 === "" ? [] : [["Public IPv4", ipv4] as const]),
          ...(ipv6 === "" ? [] : [["Public IPv6", ipv6] as const]),
        ]}
      />
    </Card>
  );
}

export function NodePage() {
  const id = Number(useParams()["id"]);
  const node = useRead(nodeQuery(id));
  const contracts = useRead(contractsQuery({ node_id: id, state: "Created,GracePeriod" }));
  const solutions = useRead(solutionsQuery());
  const nameOf = (solutionId: number): string | undefined => solutions.data?.find((solution) => solution.id === solutionId)?.name;
  return (
    <>
      <p className="mt-0 mb-2 text-sm"><Link to="/nodes" className="link">Nodes</Link></p>
      <Loaded query={node} what={`node ${id}`} lines={8}>
        {(found) => (
          <>
            <PageTitle title={`Node ${found.nodeId}`} aside={<State state={found.status} label={nodeWord(found.status)} />}>
              {found.city === "" ? found.country : `${found.city}, ${found.country}`} · {plural(found.contracts, "contract")}
            </PageTitle>
            <div className="grid gap-4 lg:grid-cols-3">
              <Capacity node={found} />
              <Life node={found} />
              <Network node={found} />
            </div>
          </>
        )}
      </Loaded>
      <Card title="Contracts" pad={false} className="mt-4">
        <Loaded query={contracts} what="contracts">
          {(rows) => <Table caption={`Contracts on node ${id}`} columns={contractColumns(nameOf)} rows={rows} keyOf={(row) => row.contract_id} empty="Nothing is reserved on this node." />}
        </Loaded>
      </Card>
    </>
  );
}
