import { twinsQuery } from "../api/queries.ts";
import type { TwinRow } from "../api/types.ts";
import { useRead } from "../api/use-read.ts";
import { paginate } from "../filters.ts";
import { plural, shortKey } from "../format/numbers.ts";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { Card, type Column, PageTitle, Pager, Table } from "../ui/kit.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { useFilter } from "../ui/use-filter.ts";

const COLUMNS: readonly Column<TwinRow>[] = [
  { name: "Twin", cell: (twin) => <span className="font-medium">{twin.twinId}</span> },
  { name: "Account", cell: (twin) => <code title={twin.accountId} className="text-xs">{shortKey(twin.accountId, 16)}</code> },
  { name: "Relay", wide: true, cell: (twin) => <code className="text-xs break-all text-muted">{twin.relay === "" ? "none" : twin.relay}</code> },
];
const readPage = (query: URLSearchParams): number => Math.max(1, Math.trunc(Number(query.get("page") ?? 1)) || 1);

export function TwinsPage() {
  const twins = useRead(twinsQuery());
  const [wanted, setFilter] = useFilter(readPage);
  return (
    <>
      <PageTitle title="Twins">The digital identities of people, nodes and agents: each one key pair.</PageTitle>
      <Card pad={false}>
        <Loaded query={twins} what="twins">
          {(all) => {
            const { rows, page, pages } = paginate(all, wanted, L.pageRows);
            return (
              <>
                <Table caption="Twins" columns={COLUMNS} rows={rows} keyOf={(twin) => twin.twinId} empty="No twin exists yet." />
                <Pager page={page} pages={pages} total={plural(all.length, "twin")} onPage={(next) => setFilter({ page: String(next) })} />
              </>
            );
          }}
        </Loaded>
      </Card>
    </>
  );
}
