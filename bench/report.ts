/** Writes the figures into docs/performance.md, between its markers. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

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

const file = fileURLToPath(new URL("../docs/performance.md", import.meta.url));
const BEGIN = "<!-- bench:begin -->";
const END = "<!-- bench:end -->";

export function writeReport(figures: readonly Figure[]): void {
  const rows = figures.map((figure) => `| ${figure.name} | ${figure.value} | ${figure.spread} | ${figure.target} |`);
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.versions.node}`;
  const table = ["| what | median | spread | goal |", "| --- | --- | --- | --- |", ...rows].join("\n");
  const section = `${BEGIN}\nMachine: ${machine}. Date: ${new Date().toISOString().slice(0, 10)}. Command: \`npm run bench\`.\n\n${table}\n${END}`;
  const text = readFileSync(file, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${file} has no bench markers`);
  writeFileSync(file, text.slice(0, from) + section + text.slice(to + END.length));
  process.stdout.write(`${table}\n`);
}
