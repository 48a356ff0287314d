/** The event stream: browsers resume it by themselves; each event refreshes what it touches, and without it the page polls. */
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useRef, useState } from "react";
import { chain } from "@tfgrid/tfchain";
import { DASHBOARD_LIMITS as L } from "../limits.ts";
import { eventsQuery } from "./queries.ts";
import { pathOf } from "./http.ts";
import { touched } from "./touched.ts";
import type { EventRow } from "./types.ts";

export type LiveState = "connecting" | "live" | "polling";
export const LiveContext = createContext<LiveState>("connecting");
export const useLive = (): LiveState => useContext(LiveContext);

function keepNewest(client: QueryClient, row: EventRow): void {
  client.setQueryData(eventsQuery().queryKey, (known: readonly EventRow[] | undefined) => {
    if (known === undefined || known.some((other) => other.seq === row.seq)) return known;
    return [...known, row].slice(-L.feedRows);
  });
}

/** A browser must name each kind of event that it wants: all of the ledger's, read from its schema. */
const EVENT_TYPES = (chain.event.jsonSchema() as { readonly oneOf: readonly { readonly properties: { readonly type: { readonly const: string } } }[] }).oneOf.map(
  ({ properties }) => properties.type.const,
);

/** Opened once, by the page's frame. */
export function useLiveFeed(): LiveState {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  const pending = useRef(new Set<string>());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = (): void => {
      timer = undefined;
      for (const key of pending.current) void client.invalidateQueries({ queryKey: [key] });
      pending.current.clear();
    };
    const onEvent = (message: MessageEvent<string>): void => {
      const row = JSON.parse(message.data) as EventRow;
      keepNewest(client, row);
      for (const key of touched(row.type)) pending.current.add(key);
      timer ??= setTimeout(refresh, L.gatherMs);
    };
    let interrupted = false;
    const source = new EventSource(pathOf("/events"));
    source.addEventListener("open", () => {
      setState("live");
      // Whatever happened while the stream was away is in the lists only.
      if (interrupted) void client.invalidateQueries();
      interrupted = false;
    });
    source.addEventListener("error", () => {
      interrupted = true;
      setState("polling");
    });
    for (const type of EVENT_TYPES) source.addEventListener(type, onEvent as (event: Event) => void);
    return () => {
      source.close();
      clearTimeout(timer);
    };
  }, [client]);
  return state;
}
