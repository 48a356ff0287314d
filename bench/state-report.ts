/** Writes the figures of `bench/state.ts` into docs/performance.md, between its markers. */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("../docs/performance.md", import.meta.url));
const BEGIN = "<!-- bench-state:begin -->";
const END = "<!-- bench-state:end -->";

export function writeSection(figures: readonly (readonly [name: string, value: string])[]): void {
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.versions.node}`;
  const rows = figures.map(([name, value]) => `| ${name} | ${value} |`);
  const head = `Machine: ${machine}. Date: ${new Date().toISOString().slice(0, 10)}. Command: \`node bench/state.ts --report\`.`;
  const text = readFileSync(file, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${file} has no markers for the state's figures`);
  const section = `${BEGIN}\n${head}\n\n| what | figure |\n| --- | --- |\n${rows.join("\n")}\n`;
  writeFileSync(file, text.slice(0, from) + section + text.slice(to));
}
