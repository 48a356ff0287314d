import { Link } from "react-router";
import { farmsQuery, nodesQuery } from "../api/queries.ts";
import type { FarmRow, NodeRow } from "../api/types.ts";
import { useRead } from "../api/use-read.ts";
import { bytes, cores, count } from "../format/numbers.ts";
import { totalsOf } from "../totals.ts";
import { Card, type Column, PageTitle, Table, Tag } from "../ui/kit.tsx";
import { Loaded } from "../ui/loaded.tsx";

const columnsFor = (nodes: readonly NodeRow[]): readonly Column<FarmRow>[] => {
  const of = (farm: FarmRow) => totalsOf(nodes.filter((node) => node.farmId === farm.farmId));
  return [
    { name: "Farm", cell: (farm) => <Link className="link font-medium" to={`/nodes?search=${encodeURIComponent(farm.name)}`}>{farm.name}</Link> },
    { name: "Id", cell: (farm) => farm.farmId },
    { name: "Farmer", cell: (farm) => `twin ${farm.twinId}` },
    { name: "Nodes up", right: true, cell: (farm) => `${of(farm).up} of ${of(farm).nodes}` },
    { name: "Cores", right: true, wide: true, cell: (farm) => cores(of(farm).cpuMilli.total) },
    { name: "Memory", right: true, wide: true, cell: (farm) => bytes(of(farm).memory.total) },
    { name: "Disk", right: true, wide: true, cell: (farm) => bytes(of(farm).disk.total) },
    { name: "Public addresses", right: true, wide: true, cell: (farm) => (farm.publicIps.length === 0 ? "none" : `${count(farm.publicIps.filter((ip) => ip.contract_id === 0).length)} free of ${count(farm.publicIps.length)}`) },
    { name: "", cell: (farm) => <span className="flex gap-1">{farm.dedicated ? <Tag tone="info">dedicated</Tag> : null}{farm.certificationType.toLowerCase().includes("gold") ? <Tag tone="good">gold</Tag> : null}</span> },
  ];
};

export function FarmsPage() {
  const farms = useRead(farmsQuery());
  const nodes = useRead(nodesQuery());
  return (
    <>
      <PageTitle title="Farms">Who offers capacity, and how much of it is up.</PageTitle>
      <Card pad={false}>
        <Loaded query={farms} what="farms">
          {(all) => <Table caption="Farms" columns={columnsFor(nodes.data ?? [])} rows={all} keyOf={(farm) => farm.farmId} empty="No farm exists yet. Create one with `tfgrid farm create`." />}
        </Loaded>
      </Card>
    </>
  );
}
