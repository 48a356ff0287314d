/** The page's own small kit: surfaces, words with a colour, bars, tables. */
import type { ReactNode } from "react";
import { Link } from "react-router";
import { share } from "../format/numbers.ts";
import { stateWord, type Tone, toneOf } from "../format/states.ts";

export const classes = (...names: readonly (string | false | undefined)[]): string => names.filter((name) => name !== false && name !== undefined && name !== "").join(" ");

export function Card({ title, aside, children, className, pad = true }: { title?: ReactNode; aside?: ReactNode; children: ReactNode; className?: string; pad?: boolean }) {
  return (
    <section className={classes("min-w-0 rounded-xl border border-line bg-surface", className)} aria-label={typeof title === "string" ? title : undefined}>
      {title === undefined ? null : (
        <header className="flex items-center justify-between gap-3 border-b border-line px-4 py-3">
          <h2 className="text-sm font-semibold">{title}</h2>
          {aside === undefined ? null : <div className="text-xs text-muted">{aside}</div>}
        </header>
      )}
      <div className={pad ? "p-4" : undefined}>{children}</div>
    </section>
  );
}

const BADGE: Readonly<Record<Tone, string>> = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
  info: "bg-info-soft text-info",
  quiet: "bg-raised text-muted",
};
const DOT: Readonly<Record<Tone, string>> = { good: "bg-good", warn: "bg-warn", bad: "bg-bad", info: "bg-info", quiet: "bg-muted" };

export function Dot({ tone, breathing = false }: { tone: Tone; breathing?: boolean }) {
  return <span aria-hidden="true" className={classes("inline-block size-2 shrink-0 rounded-full", DOT[tone], breathing && "breathe")} />;
}

export function State({ state, label }: { state: string; label?: string }) {
  const tone = toneOf(state);
  return (
    <span className={classes("inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap", BADGE[tone])}>
      <Dot tone={tone} breathing={tone === "info"} />
      {label ?? stateWord(state)}
    </span>
  );
}

export function Tag({ tone = "quiet", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={classes("inline-flex rounded-md px-1.5 py-0.5 text-xs font-medium whitespace-nowrap", BADGE[tone])}>{children}</span>;
}

/** `use`: nearly full is a warning; `health`: anything but full is one. */
export type BarKind = "use" | "health";

function barColour(percent: number, kind: BarKind): string {
  if (kind === "health") return percent >= 100 ? "bg-good" : percent >= 50 ? "bg-warn" : "bg-bad";
  return percent > 92 ? "bg-bad" : percent > 75 ? "bg-warn" : "bg-accent";
}

export function Bar({ used, total, label, slim = false, kind = "use" }: { used: number; total: number; label: string; slim?: boolean; kind?: BarKind }) {
  const percent = share(used, total);
  const colour = barColour(percent, kind);
  return (
    <div role="meter" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(percent)} className={classes("w-full overflow-hidden rounded-full bg-raised", slim ? "h-1" : "h-1.5")}>
      <div className={classes("h-full rounded-full transition-[width] duration-500", colour)} style={{ width: `${percent === 0 ? 0 : Math.max(percent, 1.5)}%` }} />
    </div>
  );
}

export function Tile({ label, value, of, bar, to, children }: { label: string; value: ReactNode; of?: ReactNode; bar?: { used: number; total: number; kind?: BarKind }; to?: string; children?: ReactNode }) {
  const inside = (
    <>
      <div className="text-xs font-medium text-muted">{label}</div>
      <div className="mt-1 flex flex-wrap items-baseline gap-x-1.5">
        <span className="text-2xl leading-8 font-semibold tracking-tight whitespace-nowrap">{value}</span>
        {of === undefined ? null : <span className="text-xs text-muted whitespace-nowrap">{of}</span>}
      </div>
      {bar === undefined ? null : (
        <div className="mt-2">
          <Bar {...bar} label={label} />
        </div>
      )}
      {children === undefined ? null : <div className="mt-1 text-xs text-muted">{children}</div>}
    </>
  );
  const look = "block rounded-xl border border-line bg-surface px-4 py-3 no-underline";
  return to === undefined ? (
    <div className={look}>{inside}</div>
  ) : (
    <Link to={to} className={classes(look, "transition-colors hover:border-strong")}>
      {inside}
    </Link>
  );
}

export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-4 gap-y-2 text-sm">
      {rows.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-muted">{name}</dt>
          <dd className="m-0 min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ReactNode;
  readonly right?: boolean;
  /** Left out on phones. */
  readonly wide?: boolean;
}

export function Table<T>({ caption, columns, rows, keyOf, empty }: { caption: string; columns: readonly Column<T>[]; rows: readonly T[]; keyOf: (row: T) => string | number; empty: ReactNode }) {
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  return (
    <div className="overflow-x-auto">
      <table className="w-full border-collapse text-sm">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-b border-line text-left text-xs text-muted">
            {columns.map((column) => (
              <th key={column.name} scope="col" className={classes("px-4 py-2.5 font-medium whitespace-nowrap", column.right === true && "text-right", column.wide === true && "max-md:hidden")}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} className="border-b border-line last:border-0 hover:bg-raised/50">
              {columns.map((column) => (
                <td key={column.name} className={classes("px-4 py-2.5 align-middle", column.right === true && "text-right whitespace-nowrap", column.wide === true && "max-md:hidden")}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <p className="m-0 px-4 py-10 text-center text-sm text-muted">{children}</p>;
}

export function PageTitle({ title, children, aside }: { title: ReactNode; children?: ReactNode; aside?: ReactNode }) {
  return (
    <div className="mb-5 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
        {children === undefined ? null : <p className="mt-1 mb-0 max-w-3xl text-sm text-muted">{children}</p>}
      </div>
      {aside}
    </div>
  );
}

export function Button({ children, onClick, kind = "plain", disabled = false, type = "button" }: { children: ReactNode; onClick?: () => void; kind?: "plain" | "main"; disabled?: boolean; type?: "button" | "submit" }) {
  const look = kind === "main" ? "bg-accent text-on-accent hover:opacity-90" : "border border-strong bg-surface hover:bg-raised";
  return (
    <button type={type} onClick={onClick} disabled={disabled} className={classes("h-9 rounded-lg px-3.5 text-sm font-medium disabled:cursor-not-allowed disabled:opacity-50", look)}>
      {children}
    </button>
  );
}

export function Pager({ page, pages, onPage, total }: { page: number; pages: number; onPage: (page: number) => void; total: string }) {
  return (
    <div className="flex items-center justify-between gap-3 border-t border-line px-4 py-2.5 text-xs text-muted">
      <span>{total}</span>
      {pages <= 1 ? null : (
        <nav aria-label="Pages" className="flex items-center gap-2">
          <Button onClick={() => onPage(page - 1)} disabled={page <= 1}>Previous</Button>
          <span>{page} of {pages}</span>
          <Button onClick={() => onPage(page + 1)} disabled={page >= pages}>Next</Button>
        </nav>
      )}
    </div>
  );
}
