/** What is said on the ledger about one contract. Pure: the same facts give the same bytes. */
import type { Instruction } from "@tfgrid/notary";
import { type ContractId, encode, equalBytes } from "@tfgrid/primitives";
import { chain, type Report } from "@tfgrid/tfchain";
import { zmachineKey, znetKey } from "../provisioning/keys.ts";
import type { Fault, Phase } from "../provisioning/model.ts";

export interface ReportFacts {
  readonly contractId: ContractId;
  readonly version: number;
  readonly mode: "run" | "pause";
  readonly instruction: Instruction | undefined;
  /** A newer version cannot be applied. */
  readonly fault: Fault | undefined;
  /** Volumes or networks of the contract fail. */
  readonly groundFault: Fault | undefined;
  readonly phases: ReadonlyMap<string, Phase>;
  readonly znetPorts: ReadonlyMap<string, number>;
  readonly routes: Report["routes"];
}

type State = Report["state"];
const GOOD: readonly Phase["state"][] = ["healthy", "exited"];
const BAD: readonly Phase["state"][] = ["failed", "unhealthy", "restarting"];

export function buildReport(facts: ReportFacts): Report {
  const { instruction, fault, phases, znetPorts } = facts;
  if (instruction === undefined) {
    const words = fault ?? { code: "node.instruction_unavailable", message: "" };
    return { version: facts.version, state: "failed", ...words, networks: [], zmachines: [], routes: [] };
  }
  const networks = instruction.networks.flatMap(({ name }) => {
    const port = znetPorts.get(znetKey(instruction.solutionId, name));
    return port === undefined ? [] : [{ name, port }];
  });
  const { state, words } = overall(facts, instruction);
  return {
    version: facts.version,
    state,
    ...(words === undefined ? {} : { code: words.code, message: words.message }),
    networks,
    zmachines: instruction.zmachines.map((spec) => zmachineReport(spec, phases.get(zmachineKey(facts.contractId, spec.name)))),
    routes: facts.routes,
  };
}

function zmachineReport(spec: Instruction["zmachines"][number], phase: Phase | undefined): Report["zmachines"][number] {
  const aliases = [...new Set(spec.networks.flatMap((network) => network.aliases))].slice(0, 8);
  return {
    name: spec.name,
    service: spec.service,
    state: phase?.state ?? "waiting",
    startedAtMs: phase?.startedAtMs ?? 0,
    restarts: phase?.restarts ?? 0,
    addresses: spec.networks.map(({ name, ip }) => ({ network: name, ip })),
    aliases,
    ...(phase?.fault === undefined ? {} : { code: phase.fault.code, message: phase.fault.message }),
  };
}

function overall(facts: ReportFacts, instruction: Instruction): { readonly state: State; readonly words?: Fault | undefined } {
  if (facts.fault !== undefined) return { state: "failed", words: facts.fault };
  if (facts.mode === "pause") return { state: "paused" };
  const phases = instruction.zmachines.map((spec) => ({ spec, phase: facts.phases.get(zmachineKey(facts.contractId, spec.name)) }));
  const isGood = ({ spec, phase }: (typeof phases)[number]): boolean =>
    phase !== undefined && (GOOD.includes(phase.state) || (phase.state === "running" && spec.healthcheck === null));
  const bad = phases.filter(({ phase }) => phase !== undefined && BAD.includes(phase.state));
  const words = bad.find(({ phase }) => phase?.fault !== undefined)?.phase?.fault ?? facts.groundFault;
  if (bad.length > 0 || facts.groundFault !== undefined) {
    // A restart that has not failed is on its way; it is not the end of the contract.
    const definite = bad.some(({ phase }) => phase?.state !== "restarting" || phase.fault !== undefined) || facts.groundFault !== undefined;
    if (!definite) return { state: "preparing" };
    return { state: phases.some(isGood) ? "degraded" : "failed", words };
  }
  const networksUp = instruction.networks.every(({ name }) => facts.znetPorts.has(znetKey(instruction.solutionId, name)));
  return { state: networksUp && phases.every(isGood) ? "running" : "preparing" };
}

export function sameReport(a: Report | null | undefined, b: Report): boolean {
  return a !== null && a !== undefined && equalBytes(encode(chain.report, a), encode(chain.report, b));
}
