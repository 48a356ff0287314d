/** A start that is no longer wanted ends as if it had never begun, at whatever moment that is said. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, silentLogger } from "@tfgrid/primitives";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type StartChainOptions, runtime, startChain, testing } from "../../src/index.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-start-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const authority = testing.testKey("authority");
const genesis = runtime.defaultGenesis({ chainId: "start", foundation: authority.account, validatorsPool: testing.testKey("v").account, accounts: [] });

/** Aborts at the moment when the server listens and nobody has been told yet. */
function abortWhenServing(abort: AbortController): Logger {
  const logger: Logger = { ...silentLogger, info: (message) => message === "the chain serves" && abort.abort(new Error("no longer wanted")), child: () => logger };
  return logger;
}

test("aborted after it began to listen: the reason is thrown, and folder and port are free again", async () => {
  const abort = new AbortController();
  const options: StartChainOptions = { dataDir: folder, genesis, authority };
  const first = await startChain(options);
  const port = Number(new URL(first.endpoints.rpc).port);
  await first.stop();
  await expect(startChain({ ...options, port, signal: abort.signal, logger: abortWhenServing(abort) })).rejects.toThrow("no longer wanted");
  const again = await startChain({ ...options, port });
  expect(new URL(again.endpoints.rpc).port).toBe(String(port));
  await again.stop();
});
