/** The 3Node agent as a program: `main.ts --config FILE.json`. */
import { parseArgs } from "node:util";
import { isGridError, jsonLogger, messageOf } from "@tfgrid/primitives";
import { readNodeConfig } from "./agent/config.ts";
import { startNode } from "./agent/linux-node.ts";
import { nodeErrors } from "./errors.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw nodeErrors.fail("node.config_invalid", { message: "Start with --config FILE.json." });
  const config = await readNodeConfig(values.config);
  const logger = jsonLogger({ write: (line) => process.stderr.write(line), level: config.logLevel ?? "info", fields: { machine: config.machine } });
  const node = await startNode({ config, logger });
  const stop = (): void => {
    node.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error("the agent did not end cleanly", { error });
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Nothing of ours listens: what is told is who the node is.
  const { nodeId, twinId, farmId } = await node.registered;
  process.stdout.write(`${JSON.stringify({ ready: true, endpoints: {}, nodeId, twinId, farmId })}\n`);
}

main().catch((error: unknown) => {
  const wire = isGridError(error) ? error.toWire() : { code: "internal", message: messageOf(error), cure: "Report this with the log." };
  process.stderr.write(`${JSON.stringify({ level: "error", ...wire })}\n`);
  process.exit(1);
});
