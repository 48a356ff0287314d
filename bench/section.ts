/** Writes one bench's figures into docs/performance.md, between its markers, with machine, its load, date and command. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("../docs/performance.md", import.meta.url));
/** What else the machine did when the bench began: tasks that wanted a processor, on average over a minute. */
const loadBefore = loadavg()[0] ?? Number.NaN;

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
export const tableText = ({ head, rows }: Table): string => [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");

/** Replaces what stands between the markers `bench-NAME:begin` and `bench-NAME:end`. */
export function writeSection(options: { readonly name: string; readonly command: string; readonly table: Table }): void {
  const { name, command, table } = options;
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.versions.node}`;
  const head = `Machine: ${machine}; load before: ${loadBefore.toFixed(1)}. Date: ${new Date().toISOString().slice(0, 10)}. Command: \`${command}\`.`;
  const [begin, end] = [`<!-- bench-${name}:begin -->`, `<!-- bench-${name}:end -->`];
  const text = readFileSync(file, "utf8");
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no markers for ${name}`);
  writeFileSync(file, `${text.slice(0, from)}${begin}\n${head}\n\n${tableText(table)}\n${text.slice(to)}`);
}

export interface Section {
  readonly name: "abci" | "chain" | "ledger-load" | "state" | "validators";
  readonly figures: Readonly<Record<string, string | number | undefined>>;
}

/** Prints the figures; with `--report` among the arguments also writes them into the page. */
export function report({ name, figures }: Section): void {
  process.stdout.write(`${JSON.stringify({ ...figures, loadBefore: Math.round(loadBefore * 10) / 10 }, undefined, 2)}\n`);
  if (!process.argv.includes("--report")) return;
  const rows = Object.entries(figures).map(([key, value]) => [key, typeof value === "number" ? value.toLocaleString("en") : (value ?? "")]);
  writeSection({ name, command: ["npm run bench --", name, ...process.argv.slice(2)].join(" "), table: { head: ["what", "figure"], rows } });
}
