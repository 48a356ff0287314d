import { contractsQuery, solutionsQuery } from "../api/queries.ts";
import { useRead } from "../api/use-read.ts";
import { contractQuery, matches, paginate, readContractFilter } from "../filters.ts";
import { plural } from "../format/numbers.ts";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { FilterBar, SearchField, SelectField } from "../ui/filter-bar.tsx";
import { Card, PageTitle, Pager, Table } from "../ui/kit.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { contractColumns } from "./contract-table.tsx";

export function ContractsPage() {
  const [filter, setFilter] = useFilter(readContractFilter);
  const contracts = useRead(contractsQuery(contractQuery(filter)));
  const solutions = useRead(solutionsQuery());
  const nameOf = (id: number): string | undefined => solutions.data?.find((solution) => solution.id === id)?.name;
  return (
    <>
      <PageTitle title="Contracts">Capacity and names that are reserved, by whom, and what they cost.</PageTitle>
      <FilterBar label="Filter contracts">
        <SearchField label="Search" value={filter.search} placeholder="solution, name, id, farm" onChange={(search) => setFilter({ search })} />
        <SelectField label="State" value={filter.state} onChange={(state) => setFilter({ state: state === "active" ? "" : state })} options={[["active", "Active"], ["grace", "Out of money"], ["deleted", "Ended"], ["all", "All"]]} />
        <SelectField label="Kind" value={filter.type} onChange={(type) => setFilter({ type: type === "all" ? "" : type })} options={[["all", "All"], ["node", "Node"], ["name", "Name"], ["rent", "Whole node"]]} />
      </FilterBar>
      <Card pad={false}>
        <Loaded query={contracts} what="contracts" lines={8}>
          {(all) => {
            const found = all.filter((row) => matches(filter.search, [row.contract_id, nameOf(row.solution_id) ?? "", row.details.name ?? "", row.details.farm_name ?? ""]));
            const { rows, page, pages } = paginate(found, filter.page, L.pageRows);
            return (
              <>
                <Table caption="Contracts" columns={contractColumns(nameOf)} rows={rows} keyOf={(row) => row.contract_id} empty="No contract fits this filter." />
                <Pager page={page} pages={pages} onPage={(next) => setFilter({ page: String(next) })} total={plural(found.length, "contract")} />
              </>
            );
          }}
        </Loaded>
      </Card>
    </>
  );
}
