/** A generated part of a page that is otherwise written by hand: everything between two comments. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "./pages.ts";
import { root } from "./sources.ts";

export interface Region {
  readonly name: string;
  readonly rows: readonly string[];
  /** Table head and ruler. */
  readonly head: string;
}

/** The page with these regions made anew, in one go because each replaces a part of the same text. */
export function pageWithRegions(path: string, regions: readonly Region[]): Page {
  const text = regions.reduce((page, { name, head, rows }) => {
    const begin = `<!-- ${name}: made by \`npm run docs\` -->`;
    const end = `<!-- end of ${name} -->`;
    const [from, to] = [page.indexOf(begin), page.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`${path} has no region between "${begin}" and "${end}"`);
    return `${page.slice(0, from)}${begin}\n\n${head}\n${rows.join("\n")}\n\n${page.slice(to)}`;
  }, readFileSync(join(root, path), "utf8"));
  return { path, text, rows: regions.reduce((sum, region) => sum + region.rows.length, 0) };
}
