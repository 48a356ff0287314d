/** The relay as a program: `main.ts --config FILE.json`. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Infer, isGridError, jsonLogger, keyPairFromSeed, messageOf, s, seedOfMnemonic } from "@tfgrid/primitives";
import { messagingErrors } from "./errors.ts";
import { startRelay } from "./relay.ts";

const relayConfig = s.struct({
  /** 24 words, in a file of its own so that the configuration holds no secret. */
  mnemonicFile: s.text({ minLength: 1, maxLength: 4_096 }),
  listen: s.list(
    s.struct({ host: s.text({ minLength: 2, maxLength: 45 }), port: s.uint({ max: 65_535 }), transport: s.oneOf(["tcp", "ws"]) }),
    { max: 8, min: 1 },
  ),
  maxReservations: s.optional(s.uint({ min: 1, max: 1_000_000 })),
  logLevel: s.optional(s.oneOf(["debug", "info", "warn", "error"])),
});
type RelayConfig = Infer<typeof relayConfig>;

async function readConfig(): Promise<RelayConfig> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw messagingErrors.fail("messaging.bad_config", { message: "Start with --config FILE.json." });
  try {
    return relayConfig.fromJson(JSON.parse(await readFile(values.config, "utf8")));
  } catch (cause) {
    throw messagingErrors.fail("messaging.bad_config", { message: `${values.config}: ${messageOf(cause)}`, cause });
  }
}

async function main(): Promise<void> {
  const config = await readConfig();
  const logger = jsonLogger({ write: (line) => process.stderr.write(line), level: config.logLevel ?? "info" });
  const mnemonic = await readFile(config.mnemonicFile, "utf8").catch((cause: unknown) => {
    throw messagingErrors.fail("messaging.bad_config", { message: `mnemonicFile: ${messageOf(cause)}`, cause });
  });
  const relay = await startRelay({
    keyPair: keyPairFromSeed(seedOfMnemonic(mnemonic)),
    listen: config.listen,
    logger,
    limits: config.maxReservations === undefined ? {} : { reservations: config.maxReservations },
  });
  const stop = (): void => {
    relay.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error("the relay did not end cleanly", { error });
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.stdout.write(`${JSON.stringify({ ready: true, endpoints: relay.endpoints })}\n`);
}

main().catch((error: unknown) => {
  const wire = isGridError(error) ? error.toWire() : { code: "internal", message: messageOf(error), cure: "Report this with the log." };
  process.stderr.write(`${JSON.stringify({ level: "error", ...wire })}\n`);
  process.exit(1);
});
