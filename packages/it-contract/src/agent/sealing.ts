/**
 * Secrets for nodes. The ephemeral key is derived from the agent's own secret and everything that the box holds, so that
 * sealing the same secret again gives the same bytes (and the instruction the same content id), as deterministic
 * signatures do (RFC 6979): different contents never share a key.
 */
import { bytesToHex, type Entropy, type Hex, type KeyPair, type NodeId, open, seal, sha256, type SolutionId } from "@tfgrid/primitives";
import type { SolutionDocument } from "@tfgrid/notary";
import { secretContext } from "../document/build.ts";
import { fail } from "../errors.ts";

export type Secrets = ReadonlyMap<string, Uint8Array>;

/** @throws GridError it_contract.secret_unreadable */
export function openSecrets(document: SolutionDocument, keyPair: KeyPair): Secrets {
  return new Map(
    document.secrets.map(({ name, sealed }) => {
      try {
        return [name, open({ secret: keyPair.encryptionSecret, box: sealed, context: secretContext(document.name, name) })];
      } catch (cause) {
        throw fail("it_contract.secret_unreadable", { message: `The agent cannot open secret ${name}.`, details: { secret: name }, cause });
      }
    }),
  );
}

export interface SealOptions {
  readonly keyPair: KeyPair;
  readonly solutionId: SolutionId;
  readonly nodeId: NodeId;
  readonly nodeKey: Hex;
  readonly name: string;
  readonly plaintext: Uint8Array;
}

export function sealForNode(options: SealOptions): Hex {
  const { keyPair, nodeKey: to, plaintext, name } = options;
  const context = `solution/${options.solutionId}/node/${options.nodeId}/secret/${name}`;
  const label = `tfgrid/agent-seal/v1/${to}/${context}/${bytesToHex(sha256(plaintext))}`;
  const entropy: Entropy = {
    randomBytes: (length) => {
      if (length !== 32) throw new Error("a sealed box asks for one 32-byte key");
      return keyPair.derive(label);
    },
  };
  return seal({ to, plaintext, context, entropy });
}
