/** `npm run docs`: writes docs/errors.md and docs/limits.md anew from the code that they describe. */
import { join } from "node:path";
import { runProject } from "./launch.mjs";
import { root, setUp } from "./setup.mjs";

await setUp();
await runProject([join(root, "tools", "docs", "main.ts")]);
