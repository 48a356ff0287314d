/** Every read says what it is doing: loading, there, stale (with its age) or wrong (with cause, cure and retry). */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { asGridError } from "../errors.ts";
import { ago } from "../format/numbers.ts";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { Button } from "./kit.tsx";
import { useNow } from "./now.ts";

export function Problem({ error, onRetry, title }: { error: unknown; onRetry?: () => void; title?: string }) {
  const { message, cure, code } = asGridError(error);
  return (
    <div role="alert" className="rounded-xl border border-bad/40 bg-bad-soft px-4 py-3 text-sm">
      <p className="m-0 font-semibold text-bad">{title ?? message}</p>
      {title === undefined ? null : <p className="mt-1 mb-0 whitespace-pre-wrap">{message}</p>}
      <p className="mt-1 mb-0">{cure}</p>
      <div className="mt-2 flex items-center gap-3">
        {onRetry === undefined ? null : <Button onClick={onRetry}>Try again</Button>}
        <code className="text-xs text-muted">{code}</code>
      </div>
    </div>
  );
}

export function Loading({ what, lines = 4 }: { what: string; lines?: number }) {
  return (
    <div role="status" aria-label={`Loading ${what}`} className="space-y-3 p-4">
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className="breathe h-4 rounded bg-raised" style={{ width: `${92 - ((index * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

function Stale({ query, what }: { query: UseQueryResult; what: string }) {
  const now = useNow(5_000);
  if (!query.isError || query.data === undefined || now - query.dataUpdatedAt < L.staleAfterMs / 3) return null;
  const { message, cure } = asGridError(query.error);
  return (
    <div role="status" className="mb-3 flex flex-wrap items-center gap-3 rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">
      <span className="grow">
        These {what} are from {ago(query.dataUpdatedAt, now)}. {message} {cure}
      </span>
      <Button onClick={() => void query.refetch()}>Try again</Button>
    </div>
  );
}

export function Loaded<T>({ query, what, lines, children }: { query: UseQueryResult<T>; what: string; lines?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined)
    return (
      <>
        <Stale query={query} what={what} />
        {children(query.data)}
      </>
    );
  if (query.isError) return <Problem error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading what={what} {...(lines === undefined ? {} : { lines })} />;
}
