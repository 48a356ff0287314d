/** Values that Compose writes as text: durations, sizes, cores, command lines, paths, names. */
import { parseBytes } from "@tfgrid/primitives";
import { type Collector, type Position, report } from "./problems.ts";
import { asScalar, asText, asTexts } from "./reader.ts";
import type { Tree } from "./tree.ts";

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const WEEK_MS = 7 * 86_400_000;

/** `1h30m`, `500ms`, `10s` -> milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(us|ms|s|m|h|d))+$/.test(text) || text.length > 64) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d)/g)) total += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  const rounded = Math.round(total);
  return rounded <= WEEK_MS ? rounded : undefined;
}

export function asDuration(into: Collector, tree: Tree | undefined): number | undefined {
  const text = asText(into, tree);
  if (text === undefined || tree === undefined) return undefined;
  const value = text === "0" ? 0 : parseDuration(text);
  return value ?? report(into, tree, "it_contract.invalid_value", "expected a duration of at most a week, for example 1m30s or 500ms");
}

export function asBytes(into: Collector, tree: Tree | undefined, range: { readonly min: number; readonly minText: string }): number | undefined {
  const text = asText(into, tree);
  if (text === undefined || tree === undefined) return undefined;
  const value = parseBytes(text);
  if (value === undefined) return report(into, tree, "it_contract.invalid_value", "expected a size, for example 512m or 2g");
  return value >= range.min ? value : report(into, tree, "it_contract.invalid_value", `expected at least ${range.minText}`);
}

export function asCpuMilli(into: Collector, tree: Tree | undefined): number | undefined {
  const text = asText(into, tree);
  if (text === undefined || tree === undefined) return undefined;
  const value = /^\d{1,4}(\.\d{1,6})?$/.test(text) ? Math.ceil(Number(text) * 1000 - 1e-9) : 0;
  if (value >= 10 && value <= 1_024_000) return value;
  return report(into, tree, "it_contract.invalid_value", "expected cores from 0.01 to 1024, for example 0.5");
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
export const isLabel = (text: string): boolean => LABEL.test(text);

/** A service's name is a host name in its networks, so it must be a DNS label as it stands. */
export function checkLabel(into: Collector, at: Position, text: string, what: string): string | undefined {
  if (isLabel(text)) return text;
  const suggestion = toLabel(text);
  const hint = suggestion === undefined ? "" : `; for example ${suggestion}`;
  return report(into, at, "it_contract.invalid_value", `${what} must be lower-case letters, digits and inner hyphens, at most 63${hint}`);
}

/** `db_data` -> `db-data`: names of volumes, networks, configs and secrets that nobody looks up by DNS. */
export function toLabel(text: string): string | undefined {
  const label = text.toLowerCase().replace(/[_.]+/g, "-").replace(/^-+|-+$/g, "");
  return isLabel(label) ? label : undefined;
}

/** The same rule as the document's `absolutePath`. */
export function asAbsolutePath(into: Collector, at: Position, text: string): string | undefined {
  const good = /^\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0]*$/.test(text) && text.length <= 1024;
  return good ? text : report(into, at, "it_contract.invalid_value", "expected an absolute path without . or .. parts");
}

/** `command` and `entrypoint`: a list as it is, a text split as a shell would split words (without expanding anything). */
export function asArgv(into: Collector, tree: Tree | undefined, key: string): readonly string[] | undefined {
  if (tree === undefined) return undefined;
  const words = tree.kind === "list" ? asTexts(into, tree).map(({ text }) => text) : splitText(into, tree);
  if (words === undefined) return undefined;
  if (words.length > 256) return report(into, tree, "it_contract.invalid_value", "expected at most 256 words");
  if (words.length === 0)
    return report(into, tree, "it_contract.unsupported_key", `unsupported: an empty ${key}; remove the key to use the image's own, or write one`);
  return words;
}

function splitText(into: Collector, tree: Tree): readonly string[] | undefined {
  const text = asScalar(into, tree)?.text;
  if (text === undefined) return undefined;
  return splitWords(text) ?? report(into, tree, "it_contract.invalid_value", "a quotation mark is not closed");
}

/** POSIX word splitting: blanks separate, '...' is literal, "..." and \ escape. Undefined when a quote stays open. */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: "'" | '"' | undefined;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] as string;
    if (quote === "'") {
      if (char === "'") quote = undefined;
      else word += char;
    } else if (char === "\\" && (quote === undefined || ['"', "\\", "$", "`", "\n"].includes(text[index + 1] ?? ""))) {
      index += 1;
      word = (word ?? "") + (text[index] ?? "");
    } else if (quote === '"') {
      if (char === '"') quote = undefined;
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
