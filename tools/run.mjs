/** `node tools/run.mjs FILE.ts [arguments]`: sets up what is missing and runs a TypeScript file under the project's Node. */
import { runProject } from "./launch.mjs";
import { setUp } from "./setup.mjs";

await setUp({ system: true });
await runProject(process.argv.slice(2));
