/** `main.ts --config FILE.json`: the chain as a program. Paths in the file are relative to it. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type KeyPair, hexToBytes, isGridError, jsonLogger, keyPairFromSeed, messageOf, s } from "@tfgrid/primitives";
import { chainErrors } from "./light/index.ts";
import { type StartChainOptions, startChain } from "./start.ts";

const path = s.text({ minLength: 1, maxLength: 4_096 });
/** The file that `main.ts` reads. */
const chainConfig = s.struct({
  dataDir: path,
  /** A genesis as JSON, see `defaultGenesis` and `genesisToJson`. */
  genesisFile: path,
  /** 64 hex digits: the Ed25519 seed of the authority. Keep it readable by its owner only. */
  authoritySeedFile: path,
  host: s.optional(s.text({ minLength: 1, maxLength: 253 })),
  port: s.optional(s.uint({ max: 65_535 })),
  blockIntervalMs: s.optional(s.uint({ min: 1, max: 60_000 })),
  idleBlockMs: s.optional(s.uint({ min: 100, max: 3_600_000 })),
  retainedBlocks: s.optional(s.uint({ min: 100 })),
  logLevel: s.optional(s.oneOf(["debug", "info", "warn", "error"])),
});

function readConfig(file: string): { readonly options: Omit<StartChainOptions, "logger">; readonly logLevel: "debug" | "info" | "warn" | "error" } {
  try {
    const { dataDir, genesisFile, authoritySeedFile, logLevel = "info", ...rest } = chainConfig.fromJson(JSON.parse(readFileSync(file, "utf8")));
    const at = (name: string): string => resolve(dirname(file), name);
    const genesis: unknown = JSON.parse(readFileSync(at(genesisFile), "utf8"));
    return { options: { ...rest, dataDir: at(dataDir), genesis, authority: readSeed(at(authoritySeedFile)) }, logLevel };
  } catch (cause) {
    throw chainErrors.fail("chain.bad_config", { message: `${file}: ${messageOf(cause)}`, cause });
  }
}

function readSeed(file: string): KeyPair {
  const text = readFileSync(file, "utf8").trim();
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${file} does not hold 64 hex digits`);
  return keyPairFromSeed(hexToBytes(text));
}

const logTo = (level: "debug" | "info" | "warn" | "error") => jsonLogger({ write: (line) => void process.stderr.write(line), level, fields: { program: "tfchain" } });

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw chainErrors.fail("chain.bad_config", { message: "Say where the configuration is: --config FILE.json" });
  const { options, logLevel } = readConfig(resolve(values.config));
  const logger = logTo(logLevel);
  const onFatal = (error: unknown): void => {
    logger.error("the chain cannot commit any more", { error });
    process.exit(1);
  };
  const chain = await startChain({ ...options, logger, onFatal });
  process.stdout.write(`${JSON.stringify({ ready: true, endpoints: chain.endpoints })}\n`);
  const stop = (): void => {
    chain.stop().then(
      () => process.exit(0),
      (error: unknown) => onFatal(error),
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
  logTo("info").error(messageOf(error), isGridError(error) ? { ...error.toWire() } : { error });
  process.exit(1);
});
