/** `main.ts --config FILE.json`: the explorer as a program. */
import { parseArgs } from "node:util";
import { runExplorer } from "./program.ts";

const { values } = parseArgs({ options: { config: { type: "string" } } });
await runExplorer({ config: values.config ?? "" });
