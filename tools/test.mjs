/**
 * `npm test`: all set-up, then types, lint and every test of the project; the last line is `N passed, N failed`.
 * Arguments are passed to Vitest (`npm test -- packages/notary`), and then only those tests run.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectNode, root, setUp } from "./setup.mjs";

await setUp({ system: true, tests: true });
const node = projectNode();
const env = { ...process.env, PATH: `${join(node, "..")}:${process.env.PATH ?? ""}:/usr/sbin:/sbin`, NODE_NO_WARNINGS: "1", FORCE_COLOR: process.env.CI === undefined ? "1" : "0" };
const only = process.argv.slice(2);
let passed = 0;
let failed = 0;

function check(title, program, args) {
  process.stdout.write(`\n== ${title}\n`);
  const { status } = spawnSync(program, args, { cwd: root, stdio: "inherit", env });
  if (status === 0) passed += 1;
  else failed += 1;
}

const bin = (name) => join(root, "node_modules", ".bin", name);
if (only.length === 0) {
  check("types", bin("tsc"), ["--noEmit", "-p", "tsconfig.json"]);
  if (existsSync(join(root, "packages/dashboard/tsconfig.json"))) check("types of the page", bin("tsc"), ["--noEmit", "-p", "packages/dashboard/tsconfig.json"]);
  check("lint", bin("oxlint"), ["--deny-warnings"]);
}

/** One run a project: the fast tests share workers, the others must not compete for the two cores they measure on. */
function vitest(project) {
  process.stdout.write(`\n== ${project} tests\n`);
  const report = join(tmpdir(), `tfgrid-test-${process.pid}-${project}.json`);
  const args = ["run", "--project", project, "--passWithNoTests", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...only];
  const { status } = spawnSync(node, [join(root, "node_modules", "vitest", "vitest.mjs"), ...args], { cwd: root, stdio: "inherit", env });
  if (!existsSync(report)) {
    failed += 1;
    return;
  }
  const result = JSON.parse(readFileSync(report, "utf8"));
  rmSync(report);
  passed += result.numPassedTests;
  failed += result.numFailedTests;
  // A file that fails to load, or an error outside any test, has no failed test of its own but fails the run.
  if (status !== 0 && result.numFailedTests === 0) failed += Math.max(1, result.numFailedTestSuites);
}

for (const project of ["fast", "integration", "e2e"]) vitest(project);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
