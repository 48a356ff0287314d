/** `tfgrid`, the command line of the grid. */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { createProgram } from "./commands/index.ts";
import { cliErrors } from "./errors.ts";
import { printError } from "./output/printer.ts";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
const inJson = process.argv.includes("--json");
try {
  await createProgram({ version, signal: interrupt.signal, quiet: inJson }).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and usage errors: commander has printed them for people.
  process.exitCode = error.exitCode;
  const message = error.message === "(outputHelp)" ? "A command is missing after these words." : error.message.replace(/^error: /, "");
  if (error.exitCode !== 0 && inJson) printError(cliErrors.fail("cli.bad_argument", { message }), true);
}
