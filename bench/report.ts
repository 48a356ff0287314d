/** The figures of `main.ts` as the table that it prints and writes into docs/performance.md. */
import { tableText, writeSection } from "./section.ts";

export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly spread: string;
  readonly target: string;
}

export interface Targets {
  readonly warmStartMs: number;
  readonly deployMs: number;
  readonly nodeLossMs: number;
  readonly nodeAgentBytes: number;
  readonly gridBytes: number;
  readonly idleCorePercent: number;
}

export function writeReport(figures: readonly Figure[]): void {
  const table = { head: ["what", "median", "spread", "goal"], rows: figures.map(({ name, value, spread, target }) => [name, value, spread, target]) };
  writeSection({ name: "grid", command: ["npm run bench", ...process.argv.slice(2)].join(" -- "), table });
  process.stdout.write(`${tableText(table)}\n`);
}
