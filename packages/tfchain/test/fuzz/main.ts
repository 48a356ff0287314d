/** `npm run fuzz -- --minutes 10 [--target transaction] [--seed 1] [--keep]`: until something is found, or the time is over. */
import { parseArgs } from "node:util";
import { Found, fuzz, writeCorpus } from "./runner.ts";
import { TARGETS } from "./targets.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, target: { type: "string" }, seed: { type: "string" }, keep: { type: "boolean", default: false } },
});
const minutes = Number(values.minutes);
const chosen = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (!(minutes > 0) || chosen.length === 0) {
  process.stderr.write(`--minutes is a number above 0; --target is one of ${TARGETS.map(({ name }) => name).join(", ")}\n`);
  process.exit(2);
}
const seed = values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed);
process.stdout.write(`seed ${seed}\n`);
const milliseconds = (minutes * 60_000) / chosen.length;
for (const target of chosen) {
  try {
    const { runs, words, kept } = await fuzz(target, { seed, milliseconds });
    if (values.keep) writeCorpus(target, kept);
    process.stdout.write(`${target.name}: ${runs} inputs, ${words} different outcomes${values.keep ? `, ${kept.length} kept` : ""}\n`);
  } catch (error) {
    if (!(error instanceof Found)) throw error;
    process.stdout.write(`FOUND ${error.message}\n${error.cause instanceof Error ? (error.cause.stack ?? "") : ""}\n`);
    process.exitCode = 1;
  }
}
