/**
 * docs/limits.md: every named bound, with value, unit, reason and the files that use it. Values come from the modules
 * themselves, reasons from the comments beside them: TypeScript's types cannot carry a comment to run time.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "./pages.ts";
import { ROOMS, type Source, cell, root, sources } from "./sources.ts";

/** Files that hold bounds beside every `limits.ts`, and which of their constants. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  "packages/tfchain/src/types/entities.ts": ["LIMITS"],
  "packages/sdk/src/node-api.ts": ["NODE_API_LIMITS"],
};
/** Conversions are no bounds. */
const NOT_A_BOUND = /^MS_PER_/;

export interface Limit {
  readonly room: Source["room"];
  readonly file: string;
  /** `RPC_LIMITS.bodyBytes`, or the constant alone. */
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly reason: string;
  /** Files that read it, without the one that defines it. */
  readonly usedIn: readonly string[];
}

interface Found {
  readonly group: string;
  readonly key: string | undefined;
  readonly comment: string;
}

const CONSTANT = /^export const ([A-Z][A-Z_0-9]*)(?::[^=]+)? = (.*)$/;
const KEY = /^ {2}(\w+):/;

/** Names and comments of the constants in a limits file, by line: our formatter gives every key a line of its own. */
export function readComments(text: string): readonly Found[] {
  const found: Found[] = [];
  let comment = "";
  let pending: string[] | undefined;
  let group: string | undefined;
  let groupComment = "";
  for (const line of text.split("\n")) {
    const start = /^\s*\/\*\*\s?(.*)$/.exec(line);
    if (start !== null && pending === undefined) pending = [];
    if (pending !== undefined) {
      pending.push(line.replace(/\s*\*+\/\s*$/, "").replace(/^\s*\/?\*+\s?/, ""));
      if (line.includes("*/")) {
        comment = pending.join(" ").trim();
        pending = undefined;
      }
      continue;
    }
    const constant = CONSTANT.exec(line);
    if (constant?.[1] !== undefined) {
      const isGroup = /^\{\s*$/.test(constant[2] ?? "");
      group = isGroup ? constant[1] : undefined;
      // `Bounds of the room` is no reason for one of them; the sentence over a small table of its own kind is.
      groupComment = /(LIMITS|DEFAULTS)$/.test(constant[1]) ? "" : comment;
      if (!isGroup) found.push({ group: constant[1], key: undefined, comment });
      comment = "";
    } else if (line.startsWith("}")) {
      group = undefined;
      comment = "";
    } else if (group !== undefined) {
      const key = KEY.exec(line)?.[1];
      if (key !== undefined) found.push({ group, key, comment: comment === "" ? groupComment : comment });
      comment = "";
    } else if (line.trim() === "" && found.length === 0) comment = "";
  }
  return found;
}

const SUFFIXES: readonly (readonly [RegExp, string])[] = [
  [/PerSecond(Per[A-Z]\w*)?$/, "1/s"],
  [/PerMinute$/, "1/min"],
  [/PerHour$/, "1/h"],
  [/Per10s$/, "1/10 s"],
  [/(Ms|_MS|_MS_PER_\w+)$/, "ms"],
  [/Us$/, "µs"],
  [/Sec$/, "s"],
  [/Days$/, "days"],
  [/Hours$/, "h"],
  [/Kib$/, "KiB"],
  [/[Bb]ytes(Per[A-Z]\w*)?$/, "bytes"],
  [/(Percent|percent)$/, "%"],
  [/(Chars|Characters|Length|nameLength)$/, "characters"],
  [/Units$/, "units of 10^-7 TFT"],
  [/Milli$/, "thousandths of a core"],
  [/Mtu$/, "bytes"],
];
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Milliseconds\b|^ms\b/, "ms"],
  [/^Bytes\b/, "bytes"],
  [/^Characters\b/, "characters"],
  [/^Seconds\b/, "s"],
  [/^Days\b/, "days"],
  [/^Percent\b/, "%"],
];

function unitOf(name: string, comment: string): string {
  return SUFFIXES.find(([pattern]) => pattern.test(name))?.[1] ?? WORDS.find(([pattern]) => pattern.test(comment))?.[1] ?? "";
}

const grouped = (value: number | bigint): string => value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const BYTE_STEPS = [["TiB", 1024 ** 4], ["GiB", 1024 ** 3], ["MiB", 1024 ** 2], ["KiB", 1024]] as const;
const TIME_STEPS = [["days", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]] as const;

/** The number as written, and in larger units where that is shorter to read. */
function shown(value: unknown, unit: string): string {
  if (typeof value !== "number" && typeof value !== "bigint") return JSON.stringify(value, (_key, entry: unknown) => (typeof entry === "bigint" ? Number(entry) : entry));
  const steps = unit === "bytes" ? BYTE_STEPS : unit === "ms" ? TIME_STEPS : [];
  const step = steps.find(([, size]) => Number(value) >= size && Number(value) % size === 0);
  const plain = Number.isInteger(Number(value)) ? grouped(value) : String(value);
  return step === undefined ? plain : `${plain} (${grouped(Number(value) / step[1])} ${step[0]})`;
}

function flatten(name: string, value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null) return [[name, value]];
  return Object.entries(value).flatMap(([key, entry]) => flatten(`${name}.${key}`, entry));
}

/** Files, of this room or another, that read `GROUP.key`, or take `key` out of GROUP or out of a copy of it. */
function usersOf(file: string, { group, key }: Found): readonly string[] {
  const own = sources().find((source) => source.path === file);
  if (key !== undefined && own !== undefined && own.text.includes(`${group}.${key}`)) return [file];
  const direct = new RegExp(key === undefined ? `\\b${group}\\b` : `\\b${group}\\.${key}\\b`);
  const loose = key === undefined ? undefined : new RegExp(`\\b${key}\\b`);
  const mentions = new RegExp(`\\b${group}\\b`);
  const others = sources().filter((source) => source.path !== file);
  const exact = others.filter((source) => direct.test(source.text));
  if (exact.length > 0) return exact.map((source) => source.path);
  const renamed = others.filter((source) => loose?.test(source.text) === true && (mentions.test(source.text) || source.text.includes(`${group} as`)));
  if (renamed.length > 0) return renamed.map((source) => source.path);
  const room = file.split("/", 2).join("/");
  return others.filter((source) => source.path.startsWith(`${room}/`) && loose?.test(source.text) === true).map((source) => source.path);
}

export async function allLimits(): Promise<readonly Limit[]> {
  const limits: Limit[] = [];
  for (const source of sources()) {
    const wanted = ELSEWHERE[source.path];
    if (!source.path.endsWith("/limits.ts") && wanted === undefined) continue;
    const module = (await import(pathToFileURL(join(root, source.path)).href)) as Readonly<Record<string, unknown>>;
    for (const found of readComments(source.text)) {
      const { group, key, comment } = found;
      if (NOT_A_BOUND.test(group) || (wanted !== undefined && !wanted.includes(group))) continue;
      const holder = module[group] as Readonly<Record<string, unknown>>;
      const value = key === undefined ? holder : holder[key];
      const usedIn = usersOf(source.path, found);
      for (const [name, entry] of flatten(key === undefined ? group : `${group}.${key}`, value)) {
        const unit = unitOf(name, comment);
        limits.push({ room: source.room, file: source.path, name, value: shown(entry, unit), unit, reason: comment.replace(/^ms\.? /, ""), usedIn });
      }
    }
  }
  return limits;
}

const HEAD = `# Limits

<!-- Made by \`npm run docs\` from the constants and the comments beside them; a test compares. Do not edit. -->

Every bound that a stranger can press on, and every other named number that decides when something is refused, cut off,
retried or given up. Each is a constant in the room's \`src/limits.ts\` (ledger entities: \`types/entities.ts\`; node API:
\`sdk/src/node-api.ts\`).
Structural bounds of single fields (a port is 1 to 65,535, a label at most 63 characters) stand in the schemas and are
checked wherever a value is decoded. Numbers without a unit are counts of what the reason names.

- **What happens at a bound**: a coded error ([errors.md](errors.md)) for the caller, unless the reason names something else.
- **Used in**: the files that read the constant; paths are below \`packages/\`. A test fails for a bound that no code reads.
- Bounds of \`tfchain/src/runtime\` and of \`LIMITS\` are part of the ledger's rules: to change one is a fork.
`;

function short(room: string, path: string): string {
  return path.replace(`packages/${room}/src/`, "").replace(/^packages\//, "");
}

function usedIn(limit: Limit): string {
  const shown = limit.usedIn.slice(0, 3).map((path) => `\`${short(limit.room, path)}\``);
  return shown.join(", ") + (limit.usedIn.length > 3 ? ", ..." : "");
}

/** The parameters that the chain holds: values of the two presets, reasons from the schema. */
async function parameters(): Promise<readonly string[]> {
  const entities = sources().find((source) => source.path === "packages/tfchain/src/types/entities.ts")?.text ?? "";
  const block = entities.slice(entities.indexOf("export const params = s.struct({")).replace("export const params = s.struct({", "export const PARAMS = {");
  const reasons = readComments(block.slice(0, block.indexOf("\n}")));
  const { runtime } = await import("@tfgrid/tfchain");
  const { local, main } = runtime.PRESETS;
  return reasons.map(({ key = "", comment }) => {
    const unit = unitOf(key, comment);
    const name = key as keyof typeof local;
    return `| \`${key}\` | ${shown(local[name], unit)} | ${shown(main[name], unit)} | ${unit} | ${cell(comment)} |`;
  });
}

const PARAMETERS = `
## Ledger parameters

Stored on the chain at its genesis and read with the method \`params\`; the two presets of \`tfchain/src/runtime/genesis.ts\`.

| name | local | main | unit | why |
| --- | ---: | ---: | --- | --- |
`;

export async function limitsPage(): Promise<Page> {
  const limits = await allLimits();
  const parts = ROOMS.flatMap((room) => {
    const own = limits.filter((limit) => limit.room === room);
    const files = [...new Set(own.map((limit) => limit.file))];
    return files.map((file) => {
      const rows = own.filter((limit) => limit.file === file).map((limit) => `| \`${limit.name}\` | ${limit.value} | ${limit.unit} | ${cell(limit.reason)} | ${usedIn(limit)} |`);
      return `\n## ${room}: \`${short(room, file)}\`\n\n| name | value | unit | why | used in |\n| --- | ---: | --- | --- | --- |\n${rows.join("\n")}\n`;
    });
  });
  return { path: "docs/limits.md", text: `${HEAD}${PARAMETERS}${(await parameters()).join("\n")}\n${parts.join("")}`, rows: limits.length };
}
