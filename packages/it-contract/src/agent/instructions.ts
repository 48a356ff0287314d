/** From a planned part to the instruction that its node grabs. */
import { documents, type Instruction, type Service, type SolutionDocument, type ZmachineSpec } from "@tfgrid/notary";
import { type CidText, cidOf, encode, equalBytes, type Hex, type KeyPair, type NodeId, type SolutionId } from "@tfgrid/primitives";
import type { PlannedPart } from "../plan/types.ts";
import { type Secrets, sealForNode } from "./sealing.ts";

export interface Renderer {
  readonly chainId: string;
  readonly solutionId: SolutionId;
  readonly document: SolutionDocument;
  readonly secrets: Secrets;
  readonly keyPair: KeyPair;
  /** Encryption key of a node's twin. */
  readonly nodeKeys: ReadonlyMap<NodeId, Hex>;
}

interface Slot {
  readonly name: string;
  readonly nodeId: NodeId;
  readonly networks: readonly { readonly name: string; readonly ip: string }[];
}

export function renderZmachine(renderer: Renderer, service: Service, slot: Slot): ZmachineSpec {
  const { image, entrypoint, command, environment, user, workingDir, mounts, resources, restart, healthcheck } = service;
  return {
    name: slot.name,
    service: service.name,
    image,
    entrypoint,
    command,
    environment,
    user,
    workingDir,
    mounts,
    resources,
    restart,
    healthcheck,
    stopSignal: service.stopSignal,
    stopGraceMs: service.stopGraceMs,
    readOnlyRootfs: service.readOnlyRootfs,
    isolation: service.isolation,
    hostname: service.hostname === "" ? slot.name : service.hostname,
    networks: service.networks.map(({ name, aliases }) => ({ name, aliases, ip: slot.networks.find((own) => own.name === name)?.ip ?? "0.0.0.0" })),
    files: renderFiles(renderer, service, slot.nodeId),
    dependsOn: service.dependsOn,
  };
}

function renderFiles(renderer: Renderer, service: Service, nodeId: NodeId): ZmachineSpec["files"] {
  const configs = new Map(renderer.document.configs.map((config) => [config.name, config.content]));
  const plain = service.configs.map(({ source, ...place }) => ({ ...place, content: { type: "plain" as const, bytes: configs.get(source) ?? ("" as Hex) } }));
  const sealed = service.secrets.map(({ source, ...place }) => ({ ...place, content: { type: "sealed" as const, name: source, box: box(renderer, nodeId, source) } }));
  return [...plain, ...sealed];
}

function box(renderer: Renderer, nodeId: NodeId, name: string): Hex {
  const nodeKey = renderer.nodeKeys.get(nodeId);
  const plaintext = renderer.secrets.get(name);
  if (nodeKey === undefined || plaintext === undefined) throw new Error(`secret ${name} or the key of node ${nodeId} is missing`);
  return sealForNode({ keyPair: renderer.keyPair, solutionId: renderer.solutionId, nodeId, nodeKey, name, plaintext });
}

export function renderInstruction(renderer: Renderer, part: PlannedPart, current: Instruction | undefined): Instruction {
  const held = new Map(current?.zmachines.map((zmachine) => [zmachine.name, zmachine]));
  const services = new Map(renderer.document.services.map((service) => [service.name, service]));
  const zmachines = part.zmachines.map((planned) => {
    const service = services.get(planned.service);
    const spec = planned.spec === "current" || service === undefined ? held.get(planned.name) : renderZmachine(renderer, service, planned);
    if (spec === undefined) throw new Error(`zmachine ${planned.name} is planned to stay but its contract does not hold it`);
    return spec;
  });
  const { document } = renderer;
  return {
    kind: "instruction/v1",
    chainId: renderer.chainId,
    solutionId: renderer.solutionId,
    solutionName: document.name,
    solutionVersion: document.version,
    nodeId: part.nodeId,
    networks: part.networks,
    volumes: [...part.volumes].sort(byName),
    zmachines: zmachines.sort(byName),
    routes: part.routes,
  };
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);

export const instructionCid = (instruction: Instruction): CidText => cidOf(encode(documents.instruction, instruction));

/** The same work under another version number is the same work: it needs no new contract version. */
export function sameWork(a: Instruction, b: Instruction): boolean {
  return instructionCid({ ...a, solutionVersion: 1 }) === instructionCid({ ...b, solutionVersion: 1 });
}

/** True when the zmachine is what the document wants in this slot. */
export function isCurrent(renderer: Renderer, service: Service, nodeId: NodeId, zmachine: ZmachineSpec): boolean {
  const wanted = renderZmachine(renderer, service, { name: zmachine.name, nodeId, networks: zmachine.networks });
  return equalBytes(encode(documents.zmachineSpec, wanted), encode(documents.zmachineSpec, zmachine));
}

