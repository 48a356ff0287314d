import { Link } from "react-router";
import type { EventRow } from "../api/types.ts";
import { ago, dateTime } from "../format/numbers.ts";
import { sentence } from "../format/sentences.ts";
import { toneOf } from "../format/states.ts";
import { classes, Dot, Empty } from "./kit.tsx";
import { useNow } from "./now.ts";

function target(row: EventRow): string | undefined {
  if (row.solutionId !== null) return `/solutions/${row.solutionId}`;
  return row.nodeId === null ? undefined : `/nodes/${row.nodeId}`;
}

/** Newest first. */
export function Feed({ rows, nameOf, inSolution = false, label }: { rows: readonly EventRow[]; nameOf?: (id: number) => string | undefined; inSolution?: boolean; label: string }) {
  const now = useNow(5_000);
  if (rows.length === 0) return <Empty>Nothing has happened yet.</Empty>;
  return (
    <ol role="log" aria-label={label} className="m-0 list-none p-0 text-sm">
      {rows.toReversed().map((row) => {
        const words = sentence(row, { inSolution, ...(nameOf === undefined ? {} : { nameOf }) });
        const to = inSolution ? undefined : target(row);
        return (
          <li key={row.seq} className={classes("flex gap-3 border-b border-line px-4 py-2 last:border-0", now - row.timeMs < 8_000 && "arrive")}>
            <span className="mt-1.5">
              <Dot tone={toneOf(row.level)} />
            </span>
            <div className="min-w-0 grow">
              <p className="m-0 break-words">{to === undefined ? words : <Link to={to} className="no-underline hover:underline underline-offset-2">{words}</Link>}</p>
              <p className="m-0 text-xs text-muted">
                <time dateTime={new Date(row.timeMs).toISOString()} title={dateTime(row.timeMs)}>{ago(row.timeMs, now)}</time>
                {" · "}block {row.height}
                {row.level === "bad" || row.level === "warn" ? <code className="ml-2">{row.code}</code> : null}
              </p>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
