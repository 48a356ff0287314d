/** A program of this repository, as the supervisor starts it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GridLayout } from "./layout.ts";
import { writeJson } from "./state-files.ts";
import type { ProgramSpec } from "./supervisor.ts";

/** ms until a program serves: seconds, and more when a small busy machine starts all of a grid at once. */
export const START_TIMEOUT_MS = 120_000;

/**
 * V8 keeps a heap of several hundred MB before it collects in earnest; services that idle most of the time are asked to
 * collect early instead, because a whole grid shares one machine here. V8's helper threads are not worth their memory (6 to
 * 10 MB a program) and their wakes (a quarter of an idle grid's first minutes) for heaps and programs this small: it collects
 * and compiles on the main thread. Young objects get 4 MB, so that a collection is rare.
 */
const NODE_FLAGS = ["--min-semi-space-size=4", "--max-semi-space-size=4", "--single-threaded", "--max-old-space-size=256", "--optimize-for-size"] as const;

export const room = (name: string): string => fileURLToPath(new URL(`../../../${name}/src/main.ts`, import.meta.url));

export interface OwnProgram {
  readonly layout: GridLayout;
  readonly name: string;
  /** The TypeScript file that runs. */
  readonly program: string;
  readonly config: unknown;
  /** Further arguments after `--config FILE`. */
  readonly args?: readonly string[];
  /** What runs Node, for example in another namespace. */
  readonly prefix?: readonly string[];
}

export function own({ layout, config, ...rest }: OwnProgram): ProgramSpec {
  const configFile = join(layout.files.configs, `${rest.name}.json`);
  writeJson(configFile, config, 0o600);
  return withConfig({ ...rest, configFile });
}

/** A program whose configuration is there already. */
export function withConfig(options: Omit<OwnProgram, "layout" | "config"> & { readonly configFile: string }): ProgramSpec {
  const { name, program, configFile, args = [], prefix = [] } = options;
  return {
    name,
    command: [...prefix, process.execPath, ...NODE_FLAGS, program, "--config", configFile, ...args],
    ready: { kind: "line" },
    startTimeoutMs: START_TIMEOUT_MS,
    // The launcher's compile cache (NODE_COMPILE_CACHE) is inherited; few malloc arenas, because idle threads keep theirs.
    env: { ...process.env, NODE_NO_WARNINGS: "1", MALLOC_ARENA_MAX: "2" },
  };
}
