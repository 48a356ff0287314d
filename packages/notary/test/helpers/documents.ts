/** Small documents that pass the real schemas. */
import type { NodeId, SolutionId, TwinId } from "@tfgrid/primitives";
import type { Instruction, SolutionDocument } from "../../src/index.ts";

export function anInstruction(options: { readonly solutionId: number; readonly nodeId: number; readonly name?: string }): Instruction {
  return {
    kind: "instruction/v1",
    chainId: "test",
    solutionId: options.solutionId as SolutionId,
    solutionName: options.name ?? "guestbook",
    solutionVersion: 1,
    nodeId: options.nodeId as NodeId,
    networks: [],
    volumes: [],
    zmachines: [],
    routes: [],
  };
}

export function aSolution(options: { readonly agentTwinId: TwinId; readonly signers: readonly TwinId[]; readonly name?: string }): SolutionDocument {
  return {
    kind: "solution/v1",
    name: options.name ?? "guestbook",
    version: 1,
    services: [
      {
        name: "web",
        image: { reference: "web:1", digest: `sha256:${"0".repeat(64)}` },
        entrypoint: [],
        command: [],
        environment: {},
        user: "",
        workingDir: "",
        mounts: [],
        resources: { cpuMilli: 100, memoryBytes: 64 * 1024 * 1024, pids: 64, rootfsBytes: 64 * 1024 * 1024 },
        restart: { condition: "any", delayMs: 0, maxAttempts: 0, windowMs: 0 },
        healthcheck: null,
        stopSignal: "",
        stopGraceMs: 1000,
        readOnlyRootfs: false,
        isolation: "container",
        hostname: "",
        networks: [{ name: "net", aliases: [] }],
        configs: [],
        secrets: [],
        dependsOn: [],
        replicas: 1,
        update: { parallelism: 1, delayMs: 0, order: "stop-first", failureAction: "pause", monitorMs: 0 },
        placement: { countries: [], certifiedOnly: false, minReputation: 0, farmIds: [], nodeIds: [], spread: "node" },
        onNodeLoss: "replace",
        labels: {},
      },
    ],
    networks: [{ name: "net", cidr: "10.64.0.0/16", internal: false }],
    volumes: [],
    configs: [],
    secrets: [],
    ingress: [],
    budgetPerHourUnits: 1n,
    agentTwinId: options.agentTwinId,
    signers: options.signers.map((twinId) => ({ twinId, weight: 1 })),
    thresholds: { provision: 1, amend: 1, delete: 1 },
  };
}
