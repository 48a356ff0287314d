/**
 * `provide.ts [--only-look]`: prepares the program cometbft for the test-suite and says where it is, or why it cannot be had.
 * With `--only-look` nothing is built.
 */
import { isGridError, messageOf } from "@tfgrid/primitives";
import { binaryErrors, ensureCometBft, findCometBft } from "./binary.ts";

try {
  const look = process.argv.includes("--only-look");
  const path = look ? await findCometBft() : await ensureCometBft({ note: (text) => process.stderr.write(`${text}\n`) });
  if (path === undefined) throw binaryErrors.fail("cometbft.not_available");
  process.stdout.write(`${path}\n`);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n${isGridError(error) ? `${error.cure}\n` : ""}`);
  process.exitCode = 1;
}
