/** `tfgrid`, the command line of the grid. */
import { readFileSync } from "node:fs";
import { CommanderError } from "commander";
import { createProgram } from "./commands/index.ts";
import { cliErrors } from "./errors.ts";
import { printError } from "./output/printer.ts";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
try {
  await createProgram({ version, signal: interrupt.signal }).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Help and usage errors: commander has printed them for people.
  process.exitCode = error.exitCode;
  if (error.exitCode !== 0 && process.argv.includes("--json")) printError(cliErrors.fail("cli.bad_argument", { message: error.message.replace(/^error: /, "") }), true);
}
