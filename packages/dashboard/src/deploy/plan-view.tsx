import type { Plan } from "@tfgrid/it-contract";
import { Link } from "react-router";
import { bytes, cores, duration, plural, tft } from "../format/numbers.ts";
import { Bar, Tag } from "../ui/kit.tsx";

function Part({ part }: { part: Plan["parts"][number] }) {
  const { cpuMilli, memoryBytes, ssdBytes, hddBytes } = part.resources;
  return (
    <li className="rounded-xl border border-line bg-raised p-3">
      <div className="flex flex-wrap items-center gap-x-2 text-sm">
        <Link to={`/nodes/${part.nodeId}`} target="_blank" className="font-semibold no-underline hover:underline">Node {part.nodeId}</Link>
        <span className="grow text-xs text-muted">farm {part.farmId}, {part.country}</span>
        <span className="text-xs font-medium">{tft(part.costPerHourUnits)}/h</span>
      </div>
      <p className="mt-1 mb-0 text-xs text-muted">
        {cores(cpuMilli)} cores, {bytes(memoryBytes)} memory, {bytes(ssdBytes + hddBytes)} disk
      </p>
      <ul className="mt-2 mb-0 flex list-none flex-wrap gap-1.5 p-0">
        {part.zmachines.map((zmachine) => (
          <li key={zmachine.name} className="rounded-lg border border-line bg-surface px-2 py-1 text-xs">
            <span className="font-medium">{zmachine.name}</span> <span className="text-muted">{zmachine.networks.map(({ ip }) => ip).join(", ")}</span>
          </li>
        ))}
        {part.routes.map((route) => (
          <li key={route.name} className="rounded-lg bg-info-soft px-2 py-1 text-xs text-info">{route.name} to {route.service}:{route.port}</li>
        ))}
      </ul>
    </li>
  );
}

/** What agreeing would mean: where everything goes, its addresses, its price. */
export function PlanView({ plan, depositUnits }: { plan: Plan; depositUnits: bigint }) {
  const hours = plan.costPerHourUnits === 0n ? 0 : Number(depositUnits) / Number(plan.costPerHourUnits);
  return (
    <div className="flex flex-col gap-4">
      <div>
        <div className="flex items-baseline justify-between gap-3">
          <span className="text-2xl font-semibold tracking-tight">{tft(plan.costPerHourUnits)}<span className="text-sm font-normal text-muted"> per hour</span></span>
          <span className="text-xs text-muted">budget {tft(plan.budgetPerHourUnits)}/h</span>
        </div>
        <div className="mt-2"><Bar used={Number(plan.costPerHourUnits)} total={Number(plan.budgetPerHourUnits)} label="Cost of the budget" /></div>
        <p className="mt-2 mb-0 text-sm text-muted">Deposit {tft(depositUnits)}: enough for {duration(hours * 3_600_000)}. What is not used comes back when it ends.</p>
      </div>
      <ul aria-label="Placement" className="m-0 grid list-none gap-3 p-0">{plan.parts.map((part) => <Part key={part.nodeId} part={part} />)}</ul>
      {plan.names.length === 0 ? null : (
        <p className="m-0 text-sm">
          {plural(plan.names.length, "address", "addresses")}: {plan.names.map(({ host }) => <Tag key={host} tone="info">{host}</Tag>)}
        </p>
      )}
      {[...plan.shortfalls, ...plan.warnings].map(({ code, message }) => (
        <p key={message} className="m-0 rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">{message} <code className="text-xs">{code}</code></p>
      ))}
    </div>
  );
}
