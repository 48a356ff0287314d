import { isGridError, jsonLogger, messageOf } from "@tfgrid/primitives";
import { connectChain } from "@tfgrid/tfchain";
import { readConfig } from "./config.ts";
import { startExplorer } from "./explorer.ts";
import type { ImageLookup } from "./grid.ts";
import { publicRegistriesOnly } from "./rest/registries.ts";

export interface ExplorerProgramOptions {
  /** The configuration file. */
  readonly config: string;
  /** Given by programs that can ask registries; absent: the page's plans need images with digests. */
  readonly images?: ImageLookup;
}

/** The explorer as a program: serves until it is asked to end; ends the process with 1 when it cannot. */
export async function runExplorer(options: ExplorerProgramOptions): Promise<void> {
  await serve(options).catch(fatal);
}

async function serve({ config: file, images }: ExplorerProgramOptions): Promise<void> {
  const config = await readConfig(file);
  const logger = jsonLogger({
    write: (line) => process.stderr.write(line),
    level: config.logLevel ?? "info",
    fields: { program: "explorer" },
  });
  const chain = connectChain({ ...config.chain, logger });
  const { dataDir, host, port, staticDir, grid } = config;
  const explorer = await startExplorer({
    chain,
    dataDir,
    host,
    port,
    logger,
    ...(staticDir === undefined ? {} : { staticDir }),
    ...(grid === undefined ? {} : { grid }),
    ...(images === undefined ? {} : { images: publicRegistriesOnly({ images, own: grid?.registry }) }),
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
