/**
 * Which registries strangers may make this server ask. Without a bound, anybody who reaches the server (any page in the
 * browser of its owner, too) could look through the network behind it, one address and port after the other.
 */
import { lookup } from "node:dns/promises";
import { BlockList, isIP } from "node:net";
import { fail } from "../errors.ts";
import type { ImageLookup } from "../grid.ts";

const inside = new BlockList();
for (const [range, prefix] of [["0.0.0.0", 8], ["10.0.0.0", 8], ["100.64.0.0", 10], ["127.0.0.0", 8], ["169.254.0.0", 16], ["172.16.0.0", 12], ["192.0.0.0", 24], ["192.168.0.0", 16], ["198.18.0.0", 15], ["224.0.0.0", 3]] as const)
  inside.addSubnet(range, prefix, "ipv4");
for (const [range, prefix] of [["::", 127], ["64:ff9b::", 96], ["fc00::", 7], ["fe80::", 10], ["ff00::", 8]] as const) inside.addSubnet(range, prefix, "ipv6");

/** Of the open Internet: not this machine, not its network, no group. IPv4 inside IPv6 counts as what it is. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && !inside.check(address, family === 4 ? "ipv4" : "ipv6");
}

/** Host of an image reference without its port; names without a host are of Docker Hub. */
export function registryHost(reference: string): string | undefined {
  const [first = "", ...rest] = reference.split("/");
  if (rest.length === 0 || !(/[.:]/.test(first) || first === "localhost")) return undefined;
  return /^\[(.*)\]/.exec(first)?.[1] ?? first.replace(/:\d*$/, "");
}

export interface PublicRegistries {
  readonly images: ImageLookup;
  /** The grid's own registry: always allowed, by this name only. */
  readonly own: string | undefined;
  /** Addresses of a host; a test gives its own. */
  readonly addressesOf?: (host: string) => Promise<readonly string[]>;
}

const byName = async (host: string): Promise<readonly string[]> => (await lookup(host, { all: true })).map(({ address }) => address);

export function publicRegistriesOnly({ images, own, addressesOf = byName }: PublicRegistries): ImageLookup {
  return {
    resolve: async (reference, options) => {
      const host = registryHost(reference);
      if (host !== undefined && host !== own) await requirePublic(host, addressesOf);
      return images.resolve(reference, options);
    },
  };
}

async function requirePublic(host: string, addressesOf: (host: string) => Promise<readonly string[]>): Promise<void> {
  let addresses: readonly string[];
  try {
    addresses = isIP(host) === 0 ? await addressesOf(host) : [host];
  } catch (cause) {
    throw fail("explorer.registry_not_public", { message: `The registry ${host} has no address.`, cause });
  }
  if (addresses.length > 0 && addresses.every(isPublicAddress)) return;
  throw fail("explorer.registry_not_public", { message: `The registry ${host} is not on the open Internet.` });
}
