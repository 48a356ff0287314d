/** Money, cloud units and sizes. Integers only: the ledger uses these very functions. */

/** 1 TFT = 10^7 units. */
export const UNITS_PER_TFT = 10_000_000n;
export const TFT_DECIMALS = 7;

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;

/** `12.5` -> 125000000n. Returns undefined for anything but a plain non-negative decimal with at most 7 decimals. */
export function parseTft(text: string): bigint | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,7}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, whole = "0", fraction = ""] = match;
  return BigInt(whole) * UNITS_PER_TFT + BigInt(fraction.padEnd(TFT_DECIMALS, "0"));
}

/** 125000000n -> `12.5`; no thousands separators, no trailing zeros. */
export function formatTft(units: bigint): string {
  const sign = units < 0n ? "-" : "";
  const absolute = units < 0n ? -units : units;
  const fraction = (absolute % UNITS_PER_TFT).toString().padStart(TFT_DECIMALS, "0").replace(/0+$/, "");
  return `${sign}${absolute / UNITS_PER_TFT}${fraction === "" ? "" : `.${fraction}`}`;
}

/** `512m`, `1.5gib`, `10GB`, `4096` -> bytes, as Compose reads sizes (k, m, g, t are powers of 1024). */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?b?|b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const factor = { k: KIB, m: MIB, g: GIB, t: TIB }[(match[2] ?? "").toLowerCase()] ?? 1;
  const bytes = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const BYTE_SUFFIXES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

export function formatBytes(bytes: number): string {
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < BYTE_SUFFIXES.length - 1) {
    value /= 1024;
    index += 1;
  }
  return `${value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)} ${BYTE_SUFFIXES[index]}`;
}

/** What a 3Node offers or a contract reserves: CPU in thousandths of a core, the rest in bytes. */
export interface Resources {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ssdBytes: number;
  readonly hddBytes: number;
}

export const NO_RESOURCES: Resources = { cpuMilli: 0, memoryBytes: 0, ssdBytes: 0, hddBytes: 0 };

export function addResources(a: Resources, b: Resources): Resources {
  return {
    cpuMilli: a.cpuMilli + b.cpuMilli,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    ssdBytes: a.ssdBytes + b.ssdBytes,
    hddBytes: a.hddBytes + b.hddBytes,
  };
}

export function subtractResources(a: Resources, b: Resources): Resources {
  return {
    cpuMilli: a.cpuMilli - b.cpuMilli,
    memoryBytes: a.memoryBytes - b.memoryBytes,
    ssdBytes: a.ssdBytes - b.ssdBytes,
    hddBytes: a.hddBytes - b.hddBytes,
  };
}

/** True when `want` fits into `have` in every dimension. */
export function fits(want: Resources, have: Resources): boolean {
  return (
    want.cpuMilli <= have.cpuMilli &&
    want.memoryBytes <= have.memoryBytes &&
    want.ssdBytes <= have.ssdBytes &&
    want.hddBytes <= have.hddBytes
  );
}

/** Cloud units in millionths: the one formula for pricing, rewards and votes. */
export interface CloudUnits {
  readonly cuMicro: bigint;
  readonly suMicro: bigint;
}

const MICRO = 1_000_000n;
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/**
 * CU = min(max(mru/4, cru/2), max(mru/8, cru), max(mru/2, cru/4)); SU = hru/1200 + sru/200 (GiB, cores).
 * Every division rounds down, to the millionth of a unit, so rounding is always in the user's favour.
 */
export function cloudUnits(resources: Resources): CloudUnits {
  const gib = BigInt(GIB);
  const cru = (BigInt(resources.cpuMilli) * MICRO) / 1000n;
  const mru = (BigInt(resources.memoryBytes) * MICRO) / gib;
  const hdd = (BigInt(resources.hddBytes) * MICRO) / gib;
  const ssd = (BigInt(resources.ssdBytes) * MICRO) / gib;
  const cuMicro = min(min(max(mru / 4n, cru / 2n), max(mru / 8n, cru)), max(mru / 2n, cru / 4n));
  return { cuMicro, suMicro: hdd / 1200n + ssd / 200n };
}
