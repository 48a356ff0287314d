/** Public addresses as numbers: whether an address is one, and whether its gateway is its neighbour. */

export interface Address {
  readonly value: bigint;
  readonly bits: 32 | 128;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = groups.flat();
  const missing = 8 - given.length;
  if (!given.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)) || (halves.length === 2 ? missing < 1 : missing !== 0)) return undefined;
  const all = [...(groups[0] ?? []), ...Array<string>(missing).fill("0"), ...(groups[1] ?? [])];
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}

export function parseAddress(text: string): Address | undefined {
  const isV6 = text.includes(":");
  const value = isV6 ? parseV6(text) : parseV4(text);
  return value === undefined ? undefined : { value, bits: isV6 ? 128 : 32 };
}

/** One host on the Internet: neither unspecified, loopback, link-local, multicast nor reserved. */
function isUnicast({ value, bits }: Address): boolean {
  if (bits === 128) return value >> 125n === 1n;
  const [first, second] = [value >> 24n, (value >> 16n) & 255n];
  return first > 0n && first < 224n && first !== 127n && !(first === 169n && second === 254n);
}

/** `A.B.C.D/N` (or IPv6) with a gateway in the same range. Answers what is wrong, or undefined. */
export function checkPublicIp(ip: string, gateway: string): string | undefined {
  const [host = "", prefixText = ""] = ip.split("/");
  const [address, hop] = [parseAddress(host), parseAddress(gateway)];
  if (address === undefined || !/^\d{1,3}$/.test(prefixText)) return `${ip} is not an address with a prefix length`;
  const prefix = Number(prefixText);
  if (prefix < 8 || prefix > address.bits) return `the prefix length of ${ip} must be 8 to ${address.bits}`;
  if (hop === undefined || hop.bits !== address.bits) return `${gateway} is not an address of the same kind as ${ip}`;
  if (!isUnicast(address) || !isUnicast(hop)) return `${ip} and ${gateway} must be addresses of single hosts`;
  const shift = BigInt(address.bits - prefix);
  if (address.value >> shift !== hop.value >> shift) return `the gateway ${gateway} is not in the range of ${ip}`;
  return address.value === hop.value ? `the address and its gateway are both ${gateway}` : undefined;
}

/** The same host, however it is written. */
export const sameHost = (a: string, b: string): boolean => {
  const [left, right] = [a, b].map((text) => parseAddress(text.split("/")[0] ?? ""));
  return left !== undefined && right !== undefined && left.bits === right.bits && left.value === right.value;
};
