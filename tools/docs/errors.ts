/** docs/errors.md: every error code of every room, from the catalogues that the rooms' doors export. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { ErrorCatalogue, ErrorSpec } from "@tfgrid/primitives";
import type { Page } from "./pages.ts";
import { ROOMS, type Room, cell, root } from "./sources.ts";

export interface ErrorRow extends ErrorSpec {
  readonly room: Room;
  readonly code: string;
}

/** A door exports what `defineErrors` returned, or its catalogue alone. */
function catalogueOf(exported: unknown): ErrorCatalogue {
  if (typeof exported === "object" && exported !== null && "catalogue" in exported) return catalogueOf(exported.catalogue);
  return exported as ErrorCatalogue;
}

/** Codes by room, each once, in alphabetical order. */
export async function allErrors(): Promise<readonly ErrorRow[]> {
  const rows: ErrorRow[] = [];
  for (const room of ROOMS) {
    const door = (await import(pathToFileURL(join(root, "packages", room, "src/index.ts")).href)) as Readonly<Record<string, unknown>>;
    const found = new Map<string, ErrorSpec>();
    for (const [name, exported] of Object.entries(door)) {
      if (name.endsWith("Errors")) for (const [code, spec] of Object.entries(catalogueOf(exported))) found.set(code, spec);
    }
    rows.push(...[...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([code, { summary, cure }]) => ({ room, code, summary, cure })));
  }
  return rows;
}

const HEAD = `# Errors

<!-- Made by \`npm run docs\` from the rooms' error catalogues; a test compares. Do not edit. -->

Every failure that a person or a program can meet has a stable code, a sentence that says what happened and one that says
what to do next. The form is the same on every wire (JSON-RPC \`error.data\`, HTTP bodies, messaging answers, \`--json\`
output):

\`\`\`json
{ "code": "accounts.insufficient_balance", "message": "...", "cure": "...", "details": { } }
\`\`\`

\`message\` may be more specific than the meaning below; \`code\` and \`cure\` never change between two occurrences. Programs
branch on \`code\` alone. A code is made in one place only: the \`defineErrors\` catalogue of its room.
`;

export async function errorsPage(): Promise<Page> {
  const rows = await allErrors();
  const parts = ROOMS.flatMap((room) => {
    const own = rows.filter((row) => row.room === room);
    if (own.length === 0) return [];
    return [`\n## ${room}\n\n| code | meaning | cure |\n| --- | --- | --- |\n${own.map((row) => `| \`${row.code}\` | ${cell(row.summary)} | ${cell(row.cure)} |`).join("\n")}\n`];
  });
  return { path: "docs/errors.md", text: HEAD + parts.join(""), rows: rows.length };
}
