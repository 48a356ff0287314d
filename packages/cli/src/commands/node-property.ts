/** What a farmer and a certifier may do with a 3Node beside maintenance: its end, its certification, a claim that is false. */
import { Argument, type Command } from "commander";
import type { NodeId } from "@tfgrid/primitives";
import type { chain } from "@tfgrid/tfchain";
import { parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { send } from "./ledger.ts";

type Certification = chain.Node["certification"];
const CERTIFICATIONS: readonly Certification[] = ["diy", "certified"];

export function addNodePropertyCommands(node: Command, action: Action): void {
  const ofNode = (name: string, description: string): Command => node.command(name).argument("<node>", "node id").description(description);
  const idOf = (text: string): NodeId => parseId<NodeId>(text, "node id");
  ofNode("delete", "take a 3Node out of its farm: without contracts, or when the notice of a drain is over").action(
    action(async (context, id: string) => {
      const nodeId = idOf(id);
      await send(context, { role: "farmer", calls: [{ type: "nodes.delete", nodeId }], say: () => `node ${nodeId} has left the grid` });
    }),
  );
  ofNode("certify", "say what a 3Node is (certifiers only); what it sells costs more when it is certified")
    .addArgument(new Argument("<certification>", "what it is").choices(CERTIFICATIONS))
    .action(
      action(async (context, id: string, certification: Certification) => {
        const nodeId = idOf(id);
        await send(context, { calls: [{ type: "nodes.certify", nodeId, certification }], say: () => `node ${nodeId} is ${certification === "certified" ? "certified" : "not certified"}` });
      }),
    );
  ofNode("contradict", "say that a claim of a 3Node is false (certifiers only); enough of you cost it the period's reward")
    .argument("<code>", "what is false, for example nodes.no_such_disk")
    .action(
      action(async (context, id: string, code: string) => {
        const nodeId = idOf(id);
        await send(context, { calls: [{ type: "nodes.report_violation", nodeId, code }], say: () => `you contradict node ${nodeId}: ${code}` });
      }),
    );
}
