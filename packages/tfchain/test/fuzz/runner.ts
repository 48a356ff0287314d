/** Mutates what is known, keeps what leads to new words, and stops at the first thing that must not happen. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { bytesToHex, hexToBytes, messageOf } from "@tfgrid/primitives";
import { mutate, mutateText } from "./mutate.ts";
import { Random } from "./random.ts";
import type { Target } from "./targets.ts";

/** Inputs that are kept of one target: enough to reach every word, few enough to be replayed in a second. */
const MAX_KEPT = 120;
/** Kept inputs are small: a large one says nothing that a small one does not, and fills the repository. */
const MAX_KEPT_BYTES = 1_024;
/** ms of CPU, which a busy machine does not stretch. One input that takes longer is an attack. */
const MAX_RUN_MS = 1_000;
/** Bytes by which the heap may have grown after a target's run. */
const MAX_GROWTH_BYTES = 256 * 1024 * 1024;

const fileOf = (target: Target): URL => new URL(`../corpus/${target.name}.txt`, import.meta.url);

/** One input a line in hex, kept in the repository. */
export function readCorpus(target: Target): Uint8Array[] {
  const file = fileOf(target);
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map(hexToBytes) : [];
}

export function writeCorpus(target: Target, inputs: readonly Uint8Array[]): void {
  mkdirSync(new URL("../corpus/", import.meta.url), { recursive: true });
  writeFileSync(fileOf(target), `${inputs.map(bytesToHex).toSorted().join("\n")}\n`);
}

export class Found extends Error {
  constructor(target: Target, input: Uint8Array, cause: unknown) {
    const shown = target.text ? JSON.stringify(Buffer.from(input).toString()) : bytesToHex(input);
    super(`${target.name}: ${messageOf(cause)}\ninput: ${shown.slice(0, 4_000)}`, { cause });
  }
}

/** @throws Found */
export async function runOne(target: Target, input: Uint8Array): Promise<string> {
  const before = process.cpuUsage();
  try {
    const words = await target.run(input);
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1_000;
    if (tookMs > MAX_RUN_MS) throw new Error(`${input.length} bytes took ${Math.round(tookMs)} ms`);
    return words;
  } catch (cause) {
    throw new Found(target, input, cause);
  }
}

export interface FuzzResult {
  readonly runs: number;
  readonly words: number;
  /** The first and shortest input that led to each new word. */
  readonly kept: readonly Uint8Array[];
}

/** @throws Found */
export async function fuzz(target: Target, options: { readonly seed: number; readonly milliseconds: number }): Promise<FuzzResult> {
  const random = new Random(options.seed);
  const corpus = readCorpus(target);
  const pool = [...target.seeds(), ...corpus];
  const seen = new Map<string, Uint8Array>();
  for (const input of target.seeds()) seen.set(await runOne(target, input), input);
  for (const input of corpus) if (!seen.has(await runOne(target, input))) seen.set(await runOne(target, input), input);
  const change = target.text ? mutateText : mutate;
  const heapBefore = process.memoryUsage().heapUsed;
  const endMs = performance.now() + options.milliseconds;
  let runs = 0;
  for (; performance.now() < endMs; runs += 1) {
    const input = change(random.pick(pool), random, pool);
    const words = await runOne(target, input);
    const known = seen.get(words);
    if (known === undefined) pool.push(input);
    if (known === undefined || input.length < known.length) seen.set(words, input);
  }
  const growth = process.memoryUsage().heapUsed - heapBefore;
  if (growth > MAX_GROWTH_BYTES) throw new Error(`${target.name}: the heap grew by ${growth} bytes`);
  const kept = [...seen.values()].filter(({ length }) => length <= MAX_KEPT_BYTES).slice(0, MAX_KEPT);
  return { runs, words: seen.size, kept };
}
