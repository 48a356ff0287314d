/** `main.ts --config FILE.json`: the chain as a program. Paths in the file are relative to it. */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Infer, type KeyPair, hexToBytes, isGridError, jsonLogger, keyPairFromSeed, messageOf, s } from "@tfgrid/primitives";
import { ensureCometBft } from "./engines/cometbft/binary.ts";
import { chainErrors } from "./light/index.ts";
import { type RunningChain, type StartChainOptions, startChain } from "./start.ts";

const path = s.text({ minLength: 1, maxLength: 4_096 });
/** The file that `main.ts` reads. */
const chainConfig = s.struct({
  dataDir: path,
  /** A genesis as JSON, see `defaultGenesis` and `genesisToJson`. */
  genesisFile: path,
  /** Engine `solo`. 64 hex digits: the Ed25519 seed of the authority. Keep it readable by its owner only. */
  authoritySeedFile: s.optional(path),
  /** Without it, `solo`. */
  engine: s.optional(
    s.struct({
      kind: s.oneOf(["cometbft"]),
      /** As `tfgrid chain init` makes it. */
      home: path,
      /** Default: looked for on the PATH and where it is built. */
      binary: s.optional(path),
      /** Where cometbft's own RPC listens, for nodes that join by state sync. Default: only for this process. */
      rpc: s.optional(s.struct({ host: s.text({ minLength: 1, maxLength: 253 }), port: s.uint({ max: 65_535 }) })),
      /** A snapshot for nodes that join is taken every so many blocks. */
      snapshotBlocks: s.optional(s.uint({ min: 2 })),
    }),
  ),
  host: s.optional(s.text({ minLength: 1, maxLength: 253 })),
  port: s.optional(s.uint({ max: 65_535 })),
  blockIntervalMs: s.optional(s.uint({ min: 1, max: 60_000 })),
  idleBlockMs: s.optional(s.uint({ min: 100, max: 3_600_000 })),
  retainedBlocks: s.optional(s.uint({ min: 100 })),
  logLevel: s.optional(s.oneOf(["debug", "info", "warn", "error"])),
});

type LogLevel = "debug" | "info" | "warn" | "error";
type ChainOptions = StartChainOptions extends infer O ? (O extends unknown ? Omit<O, "logger"> : never) : never;

async function readConfig(file: string): Promise<{ readonly options: ChainOptions; readonly logLevel: LogLevel }> {
  const { dataDir, genesisFile, authoritySeedFile, engine, blockIntervalMs, idleBlockMs, logLevel = "info", ...rest } = parseConfig(file);
  const at = (name: string): string => resolve(dirname(file), name);
  return inConfig(file, async () => {
    const genesis: unknown = JSON.parse(readFileSync(at(genesisFile), "utf8"));
    const common = { ...rest, dataDir: at(dataDir), genesis };
    if (engine !== undefined) {
      const { home, binary, ...others } = engine;
      const program = binary === undefined ? await ensureCometBft() : at(binary);
      return { options: { ...common, engine: { ...others, home: at(home), binary: program } }, logLevel };
    }
    if (authoritySeedFile === undefined) throw new Error("authoritySeedFile, or an engine, is missing");
    const pace = { ...(blockIntervalMs === undefined ? {} : { blockIntervalMs }), ...(idleBlockMs === undefined ? {} : { idleBlockMs }) };
    return { options: { ...common, ...pace, authority: readSeed(at(authoritySeedFile)) }, logLevel };
  });
}

const parseConfig = (file: string): Infer<typeof chainConfig> => {
  try {
    return chainConfig.fromJson(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw chainErrors.fail("chain.bad_config", { message: `${file}: ${messageOf(cause)}`, cause });
  }
};

/** What is wrong with a file that the configuration names is wrong with the configuration. */
async function inConfig<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw isGridError(cause) ? cause : chainErrors.fail("chain.bad_config", { message: `${file}: ${messageOf(cause)}`, cause });
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
  const { options, logLevel } = await readConfig(resolve(values.config));
  const logger = logTo(logLevel);
  const onFatal = (error: unknown): void => {
    logger.error("the chain cannot commit any more", { error });
    process.exit(1);
  };
  const wanted = new AbortController();
  // Before anything is started: a signal that comes meanwhile ends what has been started.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => wanted.abort());
  try {
    const chain = await startChain({ ...options, logger, onFatal, signal: wanted.signal });
    wanted.signal.addEventListener("abort", () => void end(chain, onFatal), { once: true });
    process.stdout.write(`${JSON.stringify({ ready: true, endpoints: chain.endpoints })}\n`);
  } catch (error) {
    if (!wanted.signal.aborted) throw error;
    process.exit(0);
  }
}

async function end(chain: RunningChain, onFatal: (error: unknown) => void): Promise<void> {
  try {
    await chain.stop();
    process.exit(0);
  } catch (error) {
    onFatal(error);
  }
}

main().catch((error: unknown) => {
  logTo("info").error(messageOf(error), isGridError(error) ? { ...error.toWire() } : { error });
  process.exit(1);
});
