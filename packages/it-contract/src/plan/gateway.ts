/** Which gateway node serves each public name. */
import type { NodeId } from "@tfgrid/primitives";
import { runtime } from "@tfgrid/tfchain";
import { closedFor } from "./candidates.ts";
import { nameCostPerHour } from "./cost.ts";
import type { NodeState, PlanState } from "./state.ts";
import type { PlannedName } from "./types.ts";

/** A name stays with its gateway while that is up; a lost gateway's names move when there is another. */
export function planNames(state: PlanState): readonly PlannedName[] {
  const { document, current, pricing } = state.input;
  const costPerHourUnits = nameCostPerHour(pricing);
  const chosen: PlannedName[] = [];
  for (const { name } of document.ingress) {
    const held = current.names.find((contract) => contract.name === name);
    const before = held === undefined ? undefined : state.nodes.get(held.gatewayNodeId);
    const at = usable(before) ? before : chooseGateway(state, chosen);
    if (at === undefined && before === undefined) {
      state.shortfalls.push({ code: "it_contract.no_gateway", message: `No gateway node is up to serve ${name}.` });
      continue;
    }
    const gateway = (at ?? before) as NodeState;
    if (at === undefined) state.warnings.push({ code: "it_contract.node_lost", message: `${name} waits for its gateway node ${gateway.node.id}, which is down.` });
    const stays = held !== undefined && gateway === before;
    chosen.push({
      name,
      host: `${name}.${gateway.node.publicConfig?.domain ?? ""}`,
      gatewayNodeId: gateway.node.id,
      contractId: stays ? held.contractId : null,
      costPerHourUnits,
    });
  }
  return chosen;
}

function usable(at: NodeState | undefined): at is NodeState {
  return at?.node.up === true && at.node.publicConfig?.domain !== undefined && at.node.maintenance.mode !== "drain";
}

/** Names of one solution share a gateway, so that few nodes join its networks. */
function chooseGateway(state: PlanState, chosen: readonly PlannedName[]): NodeState | undefined {
  const names = (id: NodeId): number => chosen.filter((name) => name.gatewayNodeId === id).length;
  const open = [...state.nodes.values()].filter(
    (at) => usable(at) && !runtime.isOff(at.node) && at.node.maintenance.mode === "none" && closedFor(state, at) === undefined,
  );
  open.sort((a, b) => names(b.node.id) - names(a.node.id) || b.placed.length - a.placed.length || a.node.id - b.node.id);
  return open[0];
}
