/** Removes what 3Nodes made on this machine. Their data (volumes, identities, chain) stays. */
import type { Logger } from "@tfgrid/primitives";
import { teardownNode } from "@tfgrid/zero-os";
import type { GridLayout } from "./layout.ts";

export async function tearDownNodes(layout: GridLayout, logger: Logger): Promise<void> {
  await Promise.all(layout.nodes.map((node) => teardownNode({ machine: node.machine, dataDir: node.dataDir, logger })));
}
