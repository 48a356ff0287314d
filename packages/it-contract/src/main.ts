/** The agent as a program: `main.ts --config FILE.json`. */
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Infer, isGridError, jsonLogger, type KeyPair, keyPairFromSeed, messageOf, s, seedOfMnemonic, systemClock, type TwinId } from "@tfgrid/primitives";
import { connectNotary } from "@tfgrid/notary";
import { type ChainClient, chainAccess, connectChain } from "@tfgrid/tfchain";
import { startAgent } from "./agent/agent.ts";
import { fail } from "./errors.ts";

const url = s.text({ minLength: 1, maxLength: 300 });
const agentConfig = s.struct({
  chain: chainAccess,
  notary: s.struct({ urls: s.list(url, { max: 8, min: 1 }) }),
  /** 24 words, in a file of its own so that the configuration holds no secret. */
  mnemonicFile: s.text({ minLength: 1, maxLength: 4_096 }),
  resyncMs: s.optional(s.uint({ min: 100 })),
  logLevel: s.optional(s.oneOf(["debug", "info", "warn", "error"])),
});
type AgentConfig = Infer<typeof agentConfig>;

async function readConfig(): Promise<AgentConfig> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw fail("it_contract.bad_config", { message: "Start with --config FILE.json." });
  try {
    return agentConfig.fromJson(JSON.parse(await readFile(values.config, "utf8")));
  } catch (cause) {
    throw fail("it_contract.bad_config", { message: `${values.config}: ${messageOf(cause)}`, cause });
  }
}

async function readKeys(path: string): Promise<KeyPair> {
  let words: string;
  try {
    words = await readFile(path, "utf8");
  } catch (cause) {
    throw fail("it_contract.bad_config", { message: `mnemonicFile: ${messageOf(cause)}`, cause });
  }
  return keyPairFromSeed(seedOfMnemonic(words));
}

/** @throws GridError it_contract.bad_config when the key belongs to no twin, or the twin could not open what is sealed to it */
async function ownTwin(chain: ChainClient, keyPair: KeyPair): Promise<TwinId> {
  const twin = await chain.proven.twinByAccount(keyPair.account);
  if (twin === undefined) throw fail("it_contract.bad_config", { message: `The agent's account ${keyPair.account} has no twin on this chain.` });
  if (twin.encryptionKey !== keyPair.encryptionKey)
    throw fail("it_contract.bad_config", { message: `Twin ${twin.id} has another encryption key on the chain than this agent's.` });
  return twin.id;
}

async function main(): Promise<void> {
  const config = await readConfig();
  const logger = jsonLogger({ write: (line) => process.stderr.write(line), level: config.logLevel ?? "info" });
  const keyPair = await readKeys(config.mnemonicFile);
  const chain = connectChain({ ...config.chain, logger });
  const twinId = await ownTwin(chain, keyPair);
  const agent = await startAgent({
    chain,
    notary: connectNotary({ urls: config.notary.urls, chain: chain.proven }),
    keyPair,
    twinId,
    clock: systemClock,
    logger: logger.child({ twinId }),
    ...(config.resyncMs === undefined ? {} : { resyncMs: config.resyncMs }),
  });
  const stop = (): void => {
    agent
      .stop()
      .then(() => chain.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error("the agent did not end cleanly", { error });
          process.exit(1);
        },
      );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.stdout.write(`${JSON.stringify({ ready: true, endpoints: agent.endpoints })}\n`);
}

main().catch((error: unknown) => {
  const wire = isGridError(error) ? error.toWire() : { code: "internal", message: messageOf(error), cure: "Report this with the log." };
  process.stderr.write(`${JSON.stringify({ level: "error", message: "the agent cannot start", error: wire })}\n`);
  process.exit(1);
});
