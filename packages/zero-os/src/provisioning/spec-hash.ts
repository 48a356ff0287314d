/** What makes a zmachine a different one, so that it has to be replaced. */
import { createHmac } from "node:crypto";
import { documents, type Instruction, type ZmachineSpec } from "@tfgrid/notary";
import { bytesToHex, encode, hexToBytes, type KeyPair, open, s, sha256 } from "@tfgrid/primitives";
import { nodeErrors } from "../errors.ts";

const F = documents.zmachineSpec.fields;
/** Left out: restart policy, health check, stop signal and grace, dependencies, names: they apply to what runs. */
const identity = s.struct({
  image: s.text({ maxLength: 71 }),
  entrypoint: F.entrypoint,
  command: F.command,
  environment: F.environment,
  user: F.user,
  workingDir: F.workingDir,
  mounts: F.mounts,
  resources: F.resources,
  readOnlyRootfs: F.readOnlyRootfs,
  isolation: F.isolation,
  hostname: F.hostname,
  networks: s.list(s.struct({ name: documents.label, ip: s.text({ maxLength: 15 }), cidr: s.text({ maxLength: 18 }) }), { max: 8 }),
  files: s.list(
    s.struct({
      target: documents.absolutePath,
      mode: s.uint(),
      uid: s.uint(),
      gid: s.uint(),
      contentHash: s.hex({ length: 32 }),
    }),
    { max: 1024 },
  ),
});

export interface OpenedFile {
  readonly target: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly bytes: Uint8Array;
}

/** @throws GridError node.secret_cannot_open */
export function openFiles(options: {
  readonly spec: ZmachineSpec;
  readonly instruction: Pick<Instruction, "solutionId" | "nodeId">;
  readonly keys: Pick<KeyPair, "encryptionSecret">;
}): readonly OpenedFile[] {
  const { spec, instruction, keys } = options;
  return spec.files.map(({ target, mode, uid, gid, content }) => {
    const base = { target, mode, uid, gid };
    if (content.type === "plain") return { ...base, bytes: hexToBytes(content.bytes) };
    const context = `solution/${instruction.solutionId}/node/${instruction.nodeId}/secret/${content.name}`;
    try {
      return { ...base, bytes: open({ secret: keys.encryptionSecret, box: content.box, context }) };
    } catch (cause) {
      throw nodeErrors.fail("node.secret_cannot_open", {
        message: `Secret ${content.name} of zmachine ${spec.name} was not sealed to this node.`,
        details: { secret: content.name, zmachine: spec.name },
        cause,
      });
    }
  });
}

/**
 * Keyed by the node: the same secret sealed again (other bytes, same content) gives the same hash, and the hash that
 * the driver keeps on disk tells nothing about a guessable secret.
 */
export function specHash(options: {
  readonly spec: ZmachineSpec;
  readonly instruction: Pick<Instruction, "networks">;
  readonly files: readonly OpenedFile[];
  readonly hashKey: Uint8Array;
}): string {
  const { spec, instruction, files, hashKey } = options;
  const cidrs = new Map(instruction.networks.map((network) => [network.name, network.cidr]));
  const { entrypoint, command, environment, user, workingDir, mounts, resources, readOnlyRootfs, isolation, hostname } = spec;
  const value = {
    entrypoint,
    command,
    environment,
    user,
    workingDir,
    mounts,
    resources,
    readOnlyRootfs,
    isolation,
    hostname,
    image: spec.image.digest,
    networks: spec.networks.map(({ name, ip }) => ({ name, ip, cidr: cidrs.get(name) ?? "" })),
    files: files.map(({ bytes, ...rest }) => ({ ...rest, contentHash: bytesToHex(sha256(bytes)) })),
  };
  return createHmac("sha256", hashKey).update(encode(identity, value)).digest("hex");
}

export const SPEC_HASH_LABEL = "tfgrid/spec-hash/v1";
