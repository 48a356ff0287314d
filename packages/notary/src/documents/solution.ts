/** The smart contract for IT in canonical form: what the signers sign and the agent carries out. */
import { type Infer, s } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { absolutePath, cidr, dependency, durationMs, ingress, label, networkAttachment, processSpec } from "./common.ts";
import { DOCUMENT_LIMITS as L } from "./limits.ts";

export const placement = s.struct({
  countries: s.list(s.text({ maxLength: 60 }), { max: 32 }),
  certifiedOnly: s.bool,
  /** 0 to 1000. */
  minReputation: s.uint({ max: 1000 }),
  farmIds: s.list(chain.farmId, { max: 64 }),
  nodeIds: s.list(chain.nodeId, { max: 64 }),
  /** Replicas go to different nodes, different farms, or anywhere; `node` and `farm` are hard rules. */
  spread: s.oneOf(["node", "farm", "none"]),
});

export const updatePolicy = s.struct({
  parallelism: s.uint({ min: 1, max: 100 }),
  delayMs: durationMs,
  order: s.oneOf(["start-first", "stop-first"]),
  failureAction: s.oneOf(["pause", "rollback", "continue"]),
  /** A new zmachine must stay up this long to count as updated. */
  monitorMs: durationMs,
});

/** A file in the zmachine from `configs` or `secrets`. */
export const fileMount = s.struct({
  source: label,
  target: absolutePath,
  mode: s.uint({ max: 0o7777 }),
  uid: s.uint({ max: 65_535 }),
  gid: s.uint({ max: 65_535 }),
});

export const service = s.struct({
  name: label,
  ...processSpec,
  hostname: s.text({ maxLength: 63 }),
  networks: s.list(networkAttachment, { max: L.networks, min: 1 }),
  configs: s.list(fileMount, { max: L.files }),
  secrets: s.list(fileMount, { max: L.files }),
  dependsOn: s.list(dependency, { max: L.services }),
  replicas: s.uint({ max: L.replicasPerService }),
  update: updatePolicy,
  placement,
  /** `wait`: the service stays with its node (default where it has a volume); `replace`: placed elsewhere at once. */
  onNodeLoss: s.oneOf(["wait", "replace"]),
  labels: s.record(s.text({ maxLength: 4096 }), { max: 64, key: s.text({ minLength: 1, maxLength: 256 }) }),
});
export type Service = Infer<typeof service>;

export const solutionDocument = s.struct({
  kind: s.oneOf(["solution/v1"]),
  name: label,
  /** 1, 2, ...: equals the version on the chain. */
  version: s.uint({ min: 1 }),
  services: s.list(service, { max: L.services, min: 1 }),
  networks: s.list(s.struct({ name: label, cidr, /** No way out to the Internet. */ internal: s.bool }), { max: L.networks, min: 1 }),
  volumes: s.list(s.struct({ name: label, sizeBytes: s.uint({ min: 1024 * 1024 }), kind: s.oneOf(["ssd", "hdd"]) }), { max: L.volumes }),
  configs: s.list(s.struct({ name: label, content: s.hex({ maxLength: L.fileBytes }) }), { max: L.files }),
  /** Sealed to the agent's encryption key with context `solution/NAME/secret/SECRET`; the agent seals them again for each node. */
  secrets: s.list(s.struct({ name: label, sealed: s.hex({ maxLength: L.fileBytes + 64 }) }), { max: L.files }),
  ingress: s.list(ingress, { max: L.ingressRules }),
  budgetPerHourUnits: s.units({ min: 1n }),
  agentTwinId: chain.twinId,
  signers: s.list(chain.signer, { max: chain.LIMITS.signersPerSolution, min: 1 }),
  thresholds: chain.thresholds,
});
export type SolutionDocument = Infer<typeof solutionDocument>;
