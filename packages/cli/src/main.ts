/** `tfgrid`, the command line of the grid. */
import { readFileSync } from "node:fs";
import { createProgram } from "./commands/index.ts";

const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
await createProgram({ version, signal: interrupt.signal }).parseAsync();
