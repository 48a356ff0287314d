/** Asks the registry by skopeo. The digest is computed here from the manifest's bytes, so that the tool's word is not needed for it. */
import { execFile } from "node:child_process";
import { bytesToHex, type GridError, sha256 } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import { IMAGE_LIMITS } from "../limits.ts";
import { type ImageResolver, pinnedDigest } from "./resolver.ts";

export interface SkopeoOptions {
  /** A registries.conf, for example with an insecure local registry. */
  readonly registriesConf?: string;
  /** Path of a file with registry credentials (`containers-auth.json`). */
  readonly authFile?: string;
  readonly program?: string;
}

interface Ran {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly error: (Error & { readonly code?: number | string | null }) | null;
}

export function skopeoImageResolver(options: SkopeoOptions = {}): ImageResolver {
  return {
    resolve: async (reference, { signal }) => {
      const pinned = pinnedDigest(reference);
      if (pinned !== undefined) return pinned;
      const ran = await run(options, argumentsFor(options, reference), signal);
      signal.throwIfAborted();
      if (ran.error !== null) throw resolveError(reference, ran);
      if (!isManifest(ran.stdout)) throw fail("it_contract.registry_unreachable", { message: `The registry's answer for ${reference} is no image manifest.` });
      return `sha256:${bytesToHex(sha256(ran.stdout))}`;
    },
  };
}

/** By flag: skopeo before 1.10 does not look at CONTAINERS_REGISTRIES_CONF. */
function argumentsFor(options: SkopeoOptions, reference: string): readonly string[] {
  const conf = options.registriesConf === undefined ? [] : ["--registries-conf", options.registriesConf];
  const auth = options.authFile === undefined ? [] : ["--authfile", options.authFile];
  return [...conf, "inspect", "--raw", ...auth, `docker://${reference}`];
}

function run(options: SkopeoOptions, args: readonly string[], signal: AbortSignal): Promise<Ran> {
  return new Promise((resolve) => {
    const settings = { encoding: "buffer", signal, timeout: IMAGE_LIMITS.resolveMs, maxBuffer: IMAGE_LIMITS.outputBytes } as const;
    execFile(options.program ?? "skopeo", args, settings, (error, stdout, stderr) => resolve({ error, stdout, stderr: stderr.toString("utf8") }));
  });
}

function isManifest(bytes: Buffer): boolean {
  try {
    const parsed = JSON.parse(bytes.toString("utf8")) as { readonly schemaVersion?: unknown } | null;
    // Version 1 manifests carry a signature inside, so that their bytes do not hash to their digest.
    return parsed?.schemaVersion === 2;
  } catch {
    return false;
  }
}

const NOT_FOUND = /manifest unknown|name unknown|not found|unknown: manifest|repository does not exist/i;
const DENIED = /unauthorized|authentication required|denied|forbidden/i;

function resolveError(reference: string, ran: Ran): GridError {
  const cause = ran.error;
  const details = { reference, answer: ran.stderr.trim().slice(-500) };
  if (cause?.code === "ENOENT") return fail("it_contract.image_tool_failed", { cause, details: { reference } });
  if (NOT_FOUND.test(ran.stderr)) return fail("it_contract.image_not_found", { message: `The registry has no image ${reference}.`, details, cause });
  if (DENIED.test(ran.stderr)) return fail("it_contract.image_denied", { message: `The registry refuses access to ${reference}.`, details, cause });
  return fail("it_contract.registry_unreachable", { message: `The image ${reference} cannot be looked up: ${details.answer}`, details, cause });
}
