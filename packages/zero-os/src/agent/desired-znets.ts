/** Own private networks with own zmachines, known here before the ledger has the report. Pure. */
import type { DesiredZnet, LocalZmachine } from "@tfgrid/peer-network";
import { znetKey } from "../provisioning/keys.ts";
import type { DesiredContract, Phase } from "../provisioning/model.ts";

export function desiredZnets(contracts: readonly DesiredContract[], phases: ReadonlyMap<string, Phase>): readonly DesiredZnet[] {
  const znets = new Map<string, DesiredZnet>();
  for (const contract of contracts) {
    for (const { name, cidr, subnetIndex } of contract.networks) {
      const key = znetKey(contract.solutionId, name);
      const local = [...(znets.get(key)?.local ?? []), ...localZmachines(contract, name, phases)];
      znets.set(key, { key, solutionId: contract.solutionId, name, cidr, subnetIndex, local });
    }
  }
  return [...znets.values()];
}

function localZmachines(contract: DesiredContract, network: string, phases: ReadonlyMap<string, Phase>): readonly LocalZmachine[] {
  return contract.zmachines.flatMap(({ key, spec }) => {
    const attachment = spec.networks.find(({ name }) => name === network);
    if (attachment === undefined) return [];
    const state = phases.get(key)?.state;
    // Not looked at yet (the agent has just started): its last word on the ledger stands.
    const ready = state === undefined ? undefined : state === "healthy" || (state === "running" && spec.healthcheck === null);
    return [{ name: spec.name, service: spec.service, aliases: attachment.aliases, ip: attachment.ip, ready }];
  });
}
