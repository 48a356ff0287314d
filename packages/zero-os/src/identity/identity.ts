/** The node's one secret: the seed of its twin. Made once, never replaced by itself. */
import { join } from "node:path";
import { bytesToHex, type Entropy, hexToBytes, type Hex, type KeyPair, keyPairFromSeed, wireguardKeys } from "@tfgrid/primitives";
import { nodeErrors } from "../errors.ts";
import { readIfPresent, writeDurably } from "./files.ts";

export interface Identity {
  readonly keys: KeyPair;
  /** WireGuard keys of this node in every private network; the private half never leaves the machine. */
  readonly mesh: { readonly publicKey: Hex; readonly privateKey: Hex };
}

const SEED_FILE = "identity";
/** Marks that this data folder had an identity: a missing seed is then a loss and not a new machine. */
const MARK_FILE = "identity.account";

export function identityFromSeed(seed: Uint8Array): Identity {
  const keys = keyPairFromSeed(seed);
  const mesh = wireguardKeys(keys, "mesh");
  return { keys, mesh: { publicKey: bytesToHex(mesh.publicKey), privateKey: bytesToHex(mesh.privateKey) } };
}

/** @throws GridError node.identity_lost, node.identity_corrupt */
export async function openIdentity(options: { readonly dataDir: string; readonly entropy: Entropy }): Promise<Identity> {
  const seedPath = join(options.dataDir, SEED_FILE);
  const markPath = join(options.dataDir, MARK_FILE);
  const text = await readIfPresent(seedPath);
  const mark = (await readIfPresent(markPath))?.trim();
  if (text === undefined) {
    if (mark !== undefined) throw nodeErrors.fail("node.identity_lost", { details: { file: seedPath, account: mark } });
    const identity = identityFromSeed(options.entropy.randomBytes(32));
    await writeDurably(seedPath, seedText(identity.keys));
    await writeDurably(markPath, `${identity.keys.account}\n`);
    return identity;
  }
  const identity = parse(text, seedPath);
  if (mark === undefined) await writeDurably(markPath, `${identity.keys.account}\n`);
  else if (mark !== identity.keys.account) {
    throw nodeErrors.fail("node.identity_corrupt", {
      message: "The seed file holds another identity than the one that this data folder belongs to.",
      details: { file: seedPath, account: mark },
    });
  }
  return identity;
}

/** The account beside the seed is a checksum: one flipped bit would otherwise be another valid identity. */
const seedText = (keys: KeyPair): string => `${bytesToHex(keys.secretSeed)} ${keys.account}\n`;

function parse(text: string, file: string): Identity {
  const match = /^([0-9a-f]{64}) ([0-9a-f]{64})\n?$/.exec(text);
  if (match === null) throw nodeErrors.fail("node.identity_corrupt", { details: { file } });
  const identity = identityFromSeed(hexToBytes(match[1] as string));
  if (identity.keys.account !== match[2]) throw nodeErrors.fail("node.identity_corrupt", { details: { file } });
  return identity;
}
