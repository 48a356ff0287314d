/** The notary as a program: `main.ts --config FILE.json`. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Infer, isGridError, jsonLogger, messageOf, s } from "@tfgrid/primitives";
import { chainAccess, connectChain } from "@tfgrid/tfchain";
import { notaryErrors } from "./errors.ts";
import { startNotary } from "./start.ts";

const notaryConfig = s.struct({
  dataDir: s.text({ minLength: 1, maxLength: 4_096 }),
  host: s.text({ minLength: 2, maxLength: 45 }),
  port: s.uint({ max: 65_535 }),
  /** The addresses by which clients call this notary; default http://HOST:PORT. */
  origins: s.optional(s.list(s.text({ maxLength: 300 }), { max: 8, min: 1 })),
  chain: chainAccess,
  graceMs: s.optional(s.uint()),
  logLevel: s.optional(s.oneOf(["debug", "info", "warn", "error"])),
});
type NotaryConfig = Infer<typeof notaryConfig>;

async function readConfig(): Promise<NotaryConfig> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw notaryErrors.fail("notary.bad_config", { message: "Start with --config FILE.json." });
  try {
    return notaryConfig.fromJson(JSON.parse(await readFile(values.config, "utf8")));
  } catch (cause) {
    throw notaryErrors.fail("notary.bad_config", { message: `${values.config}: ${messageOf(cause)}`, cause });
  }
}

async function main(): Promise<void> {
  const config = await readConfig();
  const logger = jsonLogger({ write: (line) => process.stderr.write(line), level: config.logLevel ?? "info" });
  const chain = connectChain({ ...config.chain, logger });
  const notary = await startNotary({
    dataDir: config.dataDir,
    host: config.host,
    port: config.port,
    chain,
    logger,
    ...(config.origins === undefined ? {} : { origins: config.origins }),
    ...(config.graceMs === undefined ? {} : { graceMs: config.graceMs }),
  });
  const stop = (): void => {
    Promise.all([notary.stop(), chain.close()]).then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error("the notary did not end cleanly", { error });
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.stdout.write(`${JSON.stringify({ ready: true, endpoints: notary.endpoints })}\n`);
}

main().catch((error: unknown) => {
  const wire = isGridError(error) ? error.toWire() : { code: "internal", message: messageOf(error), cure: "Report this with the log." };
  process.stderr.write(`${JSON.stringify({ level: "error", ...wire })}\n`);
  process.exit(1);
});
