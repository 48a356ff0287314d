import { useSearchParams } from "react-router";
import { withFilter } from "../filters.ts";

/** The filter in the address; a keystroke replaces the entry, so that "back" leaves the page and not one letter. */
export function useFilter<F>(read: (query: URLSearchParams) => F): readonly [F, (change: Readonly<Record<string, string>>) => void] {
  const [query, setQuery] = useSearchParams();
  return [read(query), (change) => setQuery((now) => withFilter(now, change), { replace: true })];
}
