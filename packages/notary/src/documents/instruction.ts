/** What one 3Node does for one contract: written by the agent, grabbed and verified by the node. */
import { type Infer, s } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { absolutePath, cidr, dependency, ingress, label, processSpec } from "./common.ts";
import { DOCUMENT_LIMITS as L } from "./limits.ts";

const ipv4 = s.text({ maxLength: 15, pattern: /^\d{1,3}(\.\d{1,3}){3}$/ });

/** A file placed into the zmachine: plain (config) or sealed to this node's encryption key (secret). */
export const instructionFile = s.struct({
  target: absolutePath,
  mode: s.uint({ max: 0o7777 }),
  uid: s.uint({ max: 65_535 }),
  gid: s.uint({ max: 65_535 }),
  content: s.union({
    plain: s.struct({ bytes: s.hex({ maxLength: L.fileBytes }) }),
    /** Context of the box: `solution/SOLUTION_ID/node/NODE_ID/secret/NAME`. */
    sealed: s.struct({ name: label, box: s.hex({ maxLength: L.fileBytes + 64 }) }),
  }),
});

export const zmachineSpec = s.struct({
  /** Unique in the solution: `web-1`. */
  name: label,
  service: label,
  ...processSpec,
  hostname: s.text({ maxLength: 63 }),
  /** `ip` lies in the node's /24 of that network. */
  networks: s.list(s.struct({ name: label, ip: ipv4, aliases: s.list(label, { max: 8 }) }), { max: L.networks, min: 1 }),
  files: s.list(instructionFile, { max: 2 * L.files }),
  /** Waits until the solution's reports say so, wherever the other service runs. */
  dependsOn: s.list(dependency, { max: L.services }),
});
export type ZmachineSpec = Infer<typeof zmachineSpec>;

export const instruction = s.struct({
  kind: s.oneOf(["instruction/v1"]),
  chainId: s.text({ maxLength: 64 }),
  solutionId: chain.solutionId,
  solutionName: label,
  solutionVersion: s.uint({ min: 1 }),
  nodeId: chain.nodeId,
  networks: s.list(s.struct({ name: label, cidr, subnetIndex: s.uint({ min: 1, max: 254 }), internal: s.bool }), { max: L.networks }),
  volumes: s.list(s.struct({ name: label, sizeBytes: s.uint({ min: 1024 * 1024 }), kind: s.oneOf(["ssd", "hdd"]) }), { max: L.volumes }),
  zmachines: s.list(zmachineSpec, { max: chain.LIMITS.zmachinesPerContract }),
  /** Only on a gateway node: host names that it serves; backends are the healthy zmachines of the service, by the chain's reports. */
  routes: s.list(ingress, { max: L.ingressRules }),
});
export type Instruction = Infer<typeof instruction>;
