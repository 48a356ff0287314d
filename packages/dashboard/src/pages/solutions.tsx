import type { Solution } from "@tfgrid/tfchain";
import { Link } from "react-router";
import { contractsQuery, solutionsQuery } from "../api/queries.ts";
import { useRead } from "../api/use-read.ts";
import { matches } from "../filters.ts";
import { plural, runsOut, tft } from "../format/numbers.ts";
import { worstFirst } from "../format/states.ts";
import { costBySolution } from "../totals.ts";
import { FilterBar, SearchField, SelectField } from "../ui/filter-bar.tsx";
import { Card, Empty, PageTitle, State } from "../ui/kit.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { useFilter } from "../ui/use-filter.ts";

const readFilter = (query: URLSearchParams) => ({ search: query.get("search") ?? "", state: query.get("state") ?? "" });

function fitsFilter(solution: Solution, filter: { readonly search: string; readonly state: string }): boolean {
  const state = filter.state === "" ? solution.state !== "cancelled" : filter.state === "all" || solution.state === filter.state;
  return state && matches(filter.search, [solution.id, solution.name, solution.state]);
}

function SolutionCard({ solution, cost }: { solution: Solution; cost: bigint | undefined }) {
  return (
    <li>
      <Link to={`/solutions/${solution.id}`} className="flex h-full flex-col rounded-xl border border-line bg-surface p-4 no-underline transition-colors hover:border-strong">
        <div className="flex items-center justify-between gap-3">
          <h2 className="truncate text-base font-semibold">{solution.name}</h2>
          <State state={solution.state} />
        </div>
        <p className="mt-1 mb-3 text-xs text-muted">
          version {solution.version} · {plural(solution.parts.length, "contract")} · owner twin {solution.twinId}
        </p>
        {solution.note === null || solution.state === "running" ? null : <p className="mt-0 mb-3 line-clamp-2 text-sm">{solution.note.message}</p>}
        <dl className="mt-auto grid grid-cols-3 gap-2 text-xs">
          {[
            ["Deposit", tft(solution.escrowUnits)],
            ["Costs", cost === undefined ? "–" : `${tft(cost)}/h`],
            ["Runs out", solution.state === "cancelled" || cost === undefined ? "–" : runsOut(solution.escrowUnits, cost)],
          ].map(([name, value]) => (
            <div key={name}>
              <dt className="text-muted">{name}</dt>
              <dd className="m-0 font-medium">{value}</dd>
            </div>
          ))}
        </dl>
      </Link>
    </li>
  );
}

export function SolutionsPage() {
  const solutions = useRead(solutionsQuery());
  const contracts = useRead(contractsQuery({ state: "Created,GracePeriod" }));
  const [filter, setFilter] = useFilter(readFilter);
  const costs = contracts.data === undefined ? undefined : costBySolution(contracts.data);
  return (
    <>
      <PageTitle title="Solutions">What users run: each a set of services, described by one file that its signers agreed to.</PageTitle>
      <FilterBar label="Filter solutions">
        <SearchField label="Search" value={filter.search} placeholder="name or id" onChange={(search) => setFilter({ search })} />
        <SelectField label="State" value={filter.state} onChange={(state) => setFilter({ state })} options={[["", "Not ended"], ["running", "Running"], ["deploying", "Deploying"], ["degraded", "Degraded"], ["failed", "Failed"], ["paused", "Paused"], ["proposed", "Proposed"], ["cancelled", "Ended"], ["all", "All"]]} />
      </FilterBar>
      <Loaded query={solutions} what="solutions">
        {(all) => {
          const found = all.filter((solution) => fitsFilter(solution, filter)).sort((a, b) => worstFirst(a.state, b.state) || b.id - a.id);
          if (found.length === 0)
            return (
              <Card>
                <Empty>{all.length === 0 ? <>Nothing runs yet. <Link to="/deploy" className="link">Deploy a Compose file</Link>.</> : "No solution fits this filter."}</Empty>
              </Card>
            );
          return <ul className="m-0 grid list-none gap-4 p-0 md:grid-cols-2 xl:grid-cols-3">{found.map((solution) => <SolutionCard key={solution.id} solution={solution} cost={costs?.get(solution.id)} />)}</ul>;
        }}
      </Loaded>
    </>
  );
}
