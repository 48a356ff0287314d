/** Numbers, sizes, money and times as people read them. Pure. */
import { formatBytes, UNITS_PER_TFT } from "@tfgrid/primitives";

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

export const count = (value: number): string => whole.format(value);

/** `1 node`, `3 nodes`. */
export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;

/** Thousandths of a core: `0.25`, `2`, `1,024`. */
export const cores = (milli: number): string => new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2 }).format(milli / 1000);

export const bytes = (value: number): string => (value < 0 ? "0 B" : formatBytes(value));

/** Share of a whole in percent, 0 to 100; 0 of 0 is 0. */
export const share = (used: number, total: number): number => (total <= 0 ? 0 : Math.min(100, Math.max(0, (used / total) * 100)));

/** Money for reading, not for calculating: at most 4 decimals, but never a small amount shown as 0. */
export function tft(units: bigint): string {
  const value = Number(units) / Number(UNITS_PER_TFT);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : Math.abs(value) >= 0.001 ? 4 : 7;
  return `${new Intl.NumberFormat("en-GB", { maximumFractionDigits: digits }).format(value)} TFT`;
}

const STEPS: readonly (readonly [number, string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];

/** The two largest steps: `3 d 4 h`, `12 min 5 s`, `0 s`. */
export function duration(ms: number): string {
  let rest = Math.max(0, ms);
  const parts: string[] = [];
  for (const [size, name] of STEPS) {
    const value = Math.floor(rest / size);
    rest -= value * size;
    if (value > 0) parts.push(`${value} ${name}`);
    if (parts.length === 2 || (parts.length === 1 && value === 0)) break;
  }
  return parts.length === 0 ? "0 s" : parts.join(" ");
}

/** One step only: `3 d ago`, `just now`. */
export function ago(thenMs: number, nowMs: number): string {
  const age = nowMs - thenMs;
  if (age < 5_000) return "just now";
  const [size, name] = STEPS.find(([step]) => age >= step) ?? [1_000, "s"];
  return `${Math.floor(age / size)} ${name} ago`;
}

export const dateTime = (ms: number): string =>
  new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" }).format(ms);

/** How long money lasts at an hourly cost. */
export function runsOut(escrowUnits: bigint, perHourUnits: bigint): string {
  if (perHourUnits <= 0n) return "costs nothing now";
  const hours = Number(escrowUnits) / Number(perHourUnits);
  if (hours >= 24 * 365 * 2) return `in ${count(Math.floor(hours / (24 * 365)))} years`;
  return hours <= 0 ? "now" : `in ${duration(hours * 3_600_000)}`;
}

/** `0123abcd...4567`. */
export const shortKey = (text: string, length = 8): string => (text.length <= length * 2 ? text : `${text.slice(0, length)}…${text.slice(-4)}`);
