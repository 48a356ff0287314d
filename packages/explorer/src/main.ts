import { parseArgs } from "node:util";
import { type AccountId, isGridError, jsonLogger, messageOf } from "@tfgrid/primitives";
import { connectChain } from "@tfgrid/tfchain";
import { readConfig } from "./config.ts";
import { startExplorer } from "./explorer.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  const config = await readConfig(values.config ?? "");
  const { url, trust } = config.chain;
  const logger = jsonLogger({
    write: (line) => process.stderr.write(line),
    level: config.logLevel ?? "info",
    fields: { program: "explorer" },
  });
  const chain = connectChain({ url, trust: { chainId: trust.chainId, authority: trust.authority as string as AccountId } });
  const { dataDir, host, port, staticDir, grid } = config;
  const explorer = await startExplorer({
    chain,
    dataDir,
    host,
    port,
    logger,
    ...(staticDir === undefined ? {} : { staticDir }),
    ...(grid === undefined ? {} : { grid }),
  });
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    void explorer
      .stop()
      .then(() => chain.close())
      .then(
        () => process.exit(0),
        (error: unknown) => fatal(error),
      );
  };
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  process.stdout.write(`${JSON.stringify({ ready: true, endpoints: explorer.endpoints })}\n`);
}

function fatal(error: unknown): never {
  const wire = isGridError(error) ? error.toWire() : { code: "explorer.internal", message: messageOf(error), cure: "Look at the log." };
  process.stderr.write(`${JSON.stringify({ level: "error", ...wire })}\n`);
  process.exit(1);
}

await main().catch(fatal);
