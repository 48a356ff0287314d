/** Writes every generated page; `tools/test/unit/docs.test.ts` proves that the committed ones are equal. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedPages } from "./pages.ts";
import { root } from "./sources.ts";

for (const page of await generatedPages()) {
  writeFileSync(join(root, page.path), page.text);
  process.stdout.write(`${page.path}: ${page.rows} rows\n`);
}
