import { type Infer, s } from "@tfgrid/primitives";
import { fail } from "./errors.ts";

/** What of an OCI image configuration decides how its process runs. */
export interface ImageConfig {
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly workingDir: string;
  readonly user: string;
  readonly stopSignal: string;
}

/** Reads the `config` object of an image configuration; a stranger's JSON, so every field is checked. */
export function parseImageConfig(json: unknown): ImageConfig {
  const config = (json as { config?: unknown } | null)?.config ?? {};
  if (typeof config !== "object") throw corrupt("config");
  const fields = config as Record<string, unknown>;
  return {
    env: texts(fields["Env"], "Env"),
    entrypoint: texts(fields["Entrypoint"], "Entrypoint"),
    cmd: texts(fields["Cmd"], "Cmd"),
    workingDir: text(fields["WorkingDir"], "WorkingDir"),
    user: text(fields["User"], "User"),
    stopSignal: text(fields["StopSignal"], "StopSignal"),
  };
}

const value = s.text({ maxLength: 131_072 });
const values = s.list(value, { max: 4096 });

/** As kept on disk beside the unpacked image. */
export const cachedImage = s.struct({
  digest: value,
  sizeBytes: s.uint(),
  /** Owners on disk are already moved by this much; 0 = as in the image. */
  idBase: s.uint(),
  config: s.struct({ env: values, entrypoint: values, cmd: values, workingDir: value, user: value, stopSignal: value }),
});
export type CachedImage = Infer<typeof cachedImage>;

function texts(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw corrupt(name);
  return value;
}

function text(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw corrupt(name);
  return value;
}

function corrupt(name: string): Error {
  return fail("compute.image_corrupt", { message: `The image's configuration has an invalid field ${name}.`, details: { field: name } });
}
