import { lazy, Suspense, useMemo } from "react";
import { Link, useParams } from "react-router";
import { gridQuery, nodesQuery, solutionQuery, type SolutionDetail, timelineQuery } from "../api/queries.ts";
import { useRead } from "../api/use-read.ts";
import { pictureOf } from "../diagram/model.ts";
import { PictureView } from "../diagram/picture.tsx";
import { ago, dateTime, plural, runsOut, shortKey, tft } from "../format/numbers.ts";
import { toneOf } from "../format/states.ts";
import { Feed } from "../ui/feed.tsx";
import { Bar, Card, classes, Facts, PageTitle, State, Table } from "../ui/kit.tsx";
import { Loaded, Loading } from "../ui/loaded.tsx";
import { useNow } from "../ui/now.ts";

/** Ledger and notary are spoken to by half of the page's code: it comes after what there is to see. */
const Change = lazy(async () => ({ default: (await import("../change/change.tsx")).Change }));

function Money({ solution, contracts }: SolutionDetail) {
  const cost = contracts.reduce((sum, contract) => sum + (contract.state === "deleted" ? 0n : contract.costPerHourUnits), 0n);
  const billed = contracts.reduce((sum, contract) => sum + contract.billedUnits, 0n);
  const ended = solution.state === "cancelled";
  return (
    <Card title="Money">
      <Facts
        rows={[
          ["Deposit left", <span key="d" className="text-base font-semibold">{tft(solution.escrowUnits)}</span>],
          ["Runs out", ended ? "ended" : runsOut(solution.escrowUnits, cost)],
          ["Costs now", `${tft(cost)}/h`],
          ["Budget", `at most ${tft(solution.budgetPerHourUnits)}/h`],
          ["Billed so far", `${tft(billed)} for its present contracts`],
        ]}
      />
      <div className="mt-3"><Bar used={Number(cost)} total={Number(solution.budgetPerHourUnits)} label="Cost of the budget" /></div>
    </Card>
  );
}

function Agreement({ solution }: { solution: SolutionDetail["solution"] }) {
  const { pending, members } = solution;
  return (
    <Card title="Agreement">
      <Facts
        rows={[
          ["Version", solution.version === 0 ? "not accepted yet" : solution.version],
          ["Owner", `twin ${solution.twinId}`],
          ["Agent", `twin ${solution.agentTwinId}`],
          ["Signers", solution.signers.map(({ twinId, weight }) => `twin ${twinId}${weight === 1 ? "" : ` (${weight})`}`).join(", ")],
          ["Needed", `${solution.thresholds.provision} to run, ${solution.thresholds.amend} to change, ${solution.thresholds.delete} to end`],
          ["Document", <code key="cid" className="text-xs" title={solution.document}>{shortKey(solution.document, 12)}</code>],
          ...(pending === null ? [] : [["Waits for signatures", `${pending.document === null ? "its end" : `version ${pending.version}`}, signed by ${pending.signedBy.map((id) => `twin ${id}`).join(", ") || "nobody"}`] as const]),
          ...(members.length === 0 ? [] : [["Devices", members.map(({ name, ip }) => `${name} (${ip})`).join(", ")] as const]),
          ["Since", dateTime(solution.createdAtMs)],
        ]}
      />
    </Card>
  );
}

function purposeOf(contract: SolutionDetail["contracts"][number]): string {
  if (contract.type === "name") return `name ${contract.name}`;
  return contract.type === "rent" ? "the whole node" : `part, version ${contract.version}`;
}

function Parts({ contracts }: SolutionDetail) {
  const now = useNow(5_000);
  return (
    <Card title="Contracts" pad={false} className="mt-4">
      <Table
        caption="Contracts of this solution"
        rows={contracts}
        keyOf={(contract) => contract.id}
        empty="No contract is active."
        columns={[
          { name: "Contract", cell: (contract) => contract.id },
          { name: "State", cell: (contract) => <State state={contract.state} /> },
          { name: "For", cell: (contract) => purposeOf(contract) },
          { name: "Node", cell: (contract) => { const id = contract.type === "name" ? contract.gatewayNodeId : contract.nodeId; return <Link to={`/nodes/${id}`} className="link">{id}</Link>; } },
          { name: "Last report", wide: true, cell: (contract) => (contract.type === "node" && contract.reportedAtMs > 0 ? ago(contract.reportedAtMs, now) : "–") },
          { name: "Cost per hour", right: true, cell: (contract) => tft(contract.costPerHourUnits) },
          { name: "Billed", right: true, wide: true, cell: (contract) => tft(contract.billedUnits) },
        ]}
      />
    </Card>
  );
}

function Body(detail: SolutionDetail) {
  const nodes = useRead(nodesQuery());
  const grid = useRead(gridQuery());
  const known = useMemo(() => new Map((nodes.data ?? []).map((node) => [node.nodeId, node])), [nodes.data]);
  const picture = useMemo(() => pictureOf(detail.contracts, known), [detail.contracts, known]);
  const { solution } = detail;
  const gateway = grid.data?.gateway;
  const urlOf = (host: string): string | undefined => {
    const base = gateway?.http ?? gateway?.https;
    if (base === undefined || gateway === undefined || !host.endsWith(`.${gateway.domain}`)) return undefined;
    const url = new URL(base);
    return `${url.protocol}//${host}${url.port === "" ? "" : `:${url.port}`}`;
  };
  const machines = picture.nodes.reduce((sum, node) => sum + node.machines.length, 0);
  return (
    <>
      <PageTitle title={solution.name} aside={<State state={solution.state} />}>
        Solution {solution.id} · version {solution.version} · {plural(machines, "zmachine")} on {plural(picture.nodes.filter((node) => node.machines.length > 0).length, "node")}
      </PageTitle>
      {solution.note === null || solution.state === "running" ? null : (
        <p role="status" className={classes("mt-0 mb-4 rounded-xl px-4 py-3 text-sm", toneOf(solution.state) === "info" ? "bg-info-soft" : toneOf(solution.state) === "bad" ? "bg-bad-soft" : "bg-warn-soft")}>
          <strong>The agent says:</strong> {solution.note.message} <code className="ml-1 text-xs text-muted">{solution.note.code}</code>
        </p>
      )}
      <div className="grid gap-4 lg:grid-cols-3">
        <Card title="Services and where they run" className="lg:col-span-2"><PictureView picture={picture} urlOf={urlOf} /></Card>
        <div className="flex flex-col gap-4">
          <Money {...detail} />
          <Agreement solution={solution} />
          {grid.data == null || solution.state === "cancelled" ? null : (
            <Suspense fallback={<Loading what="what signs" />}>
              <Change solution={solution} grid={grid.data} />
            </Suspense>
          )}
        </div>
      </div>
      <Parts {...detail} />
    </>
  );
}

export function SolutionPage() {
  const id = Number(useParams()["id"]);
  const detail = useRead(solutionQuery(id));
  const timeline = useRead(timelineQuery(id));
  return (
    <>
      <p className="mt-0 mb-2 text-sm"><Link to="/solutions" className="link">Solutions</Link></p>
      <Loaded query={detail} what={`solution ${id}`} lines={8}>{(found) => <Body {...found} />}</Loaded>
      <Card title="Timeline" pad={false} className="mt-4">
        <Loaded query={timeline} what="events">{(rows) => <Feed rows={rows} inSolution label="Timeline" />}</Loaded>
      </Card>
    </>
  );
}
