import { Link } from "react-router";
import type { ContractRow } from "../api/types.ts";
import { dateTime, tft } from "../format/numbers.ts";
import { type Column, State, Tag } from "../ui/kit.tsx";

export const contractColumns = (nameOf: (solutionId: number) => string | undefined): readonly Column<ContractRow>[] => [
  { name: "Contract", cell: (row) => <span className="font-medium">{row.contract_id}</span> },
  { name: "State", cell: (row) => <State state={row.state} /> },
  { name: "For", cell: (row) => (row.type === "name" ? <span className="flex items-center gap-2"><Tag tone="info">name</Tag>{row.details.name}</span> : <span className="flex items-center gap-2"><Tag>{row.type}</Tag>{row.type === "rent" ? "whole node" : "part"}</span>) },
  { name: "Solution", cell: (row) => (row.solution_id === 0 ? <span className="text-muted">none</span> : <Link className="link" to={`/solutions/${row.solution_id}`}>{nameOf(row.solution_id) ?? `solution ${row.solution_id}`}</Link>) },
  { name: "Node", cell: (row) => <Link className="link" to={`/nodes/${row.details.nodeId}`}>{row.details.nodeId}</Link> },
  { name: "Owner", wide: true, cell: (row) => `twin ${row.twin_id}` },
  { name: "Cost per hour", right: true, cell: (row) => tft(BigInt(row.cost_per_hour_units)) },
  { name: "Billed", right: true, wide: true, cell: (row) => tft(BigInt(row.billed_units)) },
  { name: "Since", wide: true, right: true, cell: (row) => <span className="text-muted">{dateTime(row.created_at * 1000)}</span> },
];
