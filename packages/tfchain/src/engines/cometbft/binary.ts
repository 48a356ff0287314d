/**
 * CometBFT is an outside program: taken from the PATH when its version is the pinned one, from the project's cache, or built
 * into that cache by Go. Exactly one version, because two builds of consensus code that differ may disagree on a block.
 */
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineErrors, messageOf } from "@tfgrid/primitives";
import { newEnoughGo, outputOf } from "./go.ts";

/** The release whose wire schema is vendored beside this file; the only place that names it. */
export const COMETBFT_VERSION = "0.38.25";
export const COMETBFT_PACKAGE = `github.com/cometbft/cometbft/cmd/cometbft@v${COMETBFT_VERSION}`;

/** Inside node_modules, so that it goes with the other things that are made and not written. */
export const cometBftCache = fileURLToPath(new URL("../../../../../node_modules/.cache/tfgrid-bin", import.meta.url));

/** ms. A version question is answered at once; a build takes one to three minutes on two cores with an empty module cache. */
const VERSION_TIMEOUT_MS = 10_000;
const BUILD_TIMEOUT_MS = 15 * 60_000;

export const binaryErrors = defineErrors({
  "cometbft.not_available": {
    summary: `The program cometbft ${COMETBFT_VERSION} is not on this machine.`,
    cure: `Install Go (Debian: apt-get install golang-go) and start again (it is then built by itself), or run \`go install ${COMETBFT_PACKAGE}\` elsewhere and put the program on the PATH.`,
  },
  "cometbft.no_toolchain": {
    summary: "This machine's Go is too old for cometbft, and a newer one could not be fetched.",
    cure: "Read Go's words above; connect the machine to its Go module proxy, or install Go 1.23 or newer, and start again.",
  },
  "cometbft.build_failed": {
    summary: "The program cometbft could not be built.",
    cure: `Read Go's words above; with a network and Go 1.23 or newer \`go install ${COMETBFT_PACKAGE}\` must succeed.`,
  },
});

export interface BinaryOptions {
  /** Where a built program is kept. Default: `cometBftCache`. */
  readonly cacheDir?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  /** Told when a build begins: it takes a minute. */
  readonly note?: (text: string) => void;
}

const cached = (options: BinaryOptions): string => join(options.cacheDir ?? cometBftCache, `cometbft-${COMETBFT_VERSION}`);

/** Path of the program, or undefined when neither PATH nor cache has the pinned version. Installs nothing. */
export async function findCometBft(options: BinaryOptions = {}): Promise<string | undefined> {
  const { env = process.env } = options;
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const candidate of [...folders.map((folder) => join(folder, "cometbft")), cached(options)]) {
    if ((await isExecutable(candidate)) && (await versionOf(candidate, options)) === COMETBFT_VERSION) return candidate;
  }
  return undefined;
}

/** Path of the program, built when it must be. @throws GridError cometbft.not_available, cometbft.build_failed */
export async function ensureCometBft(options: BinaryOptions = {}): Promise<string> {
  const found = await findCometBft(options);
  if (found !== undefined) return found;
  const go = await findGo(options);
  if (go === undefined) throw binaryErrors.fail("cometbft.not_available");
  const able = await newEnoughGo(go, options).catch((cause: unknown) => {
    options.signal?.throwIfAborted();
    throw binaryErrors.fail("cometbft.no_toolchain", { message: `Go could not be fetched: ${messageOf(cause).slice(-1_000)}`, cause });
  });
  options.note?.(`building cometbft ${COMETBFT_VERSION} with Go, once`);
  return build(able, options);
}

async function build(able: string, options: BinaryOptions): Promise<string> {
  const { env = process.env, cacheDir = cometBftCache } = options;
  await mkdir(cacheDir, { recursive: true });
  // Built aside and moved into place: a build that is interrupted, or runs twice at once, leaves no half of a program.
  const aside = await mkdtemp(join(cacheDir, "build-"));
  try {
    const goEnv = { ...env, GOBIN: aside, GOFLAGS: `${env["GOFLAGS"] ?? ""} -buildvcs=false`.trim(), CGO_ENABLED: "0" };
    await outputOf(able, ["install", COMETBFT_PACKAGE], { ...options, env: goEnv, timeoutMs: BUILD_TIMEOUT_MS });
    await rename(join(aside, "cometbft"), cached(options));
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw binaryErrors.fail("cometbft.build_failed", { message: `cometbft could not be built: ${messageOf(cause).slice(-1_000)}`, cause });
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return cached(options);
}

/** On the PATH, or where Go's own archive is unpacked by its instructions. */
async function findGo({ env = process.env }: BinaryOptions): Promise<string | undefined> {
  const folders = [...(env["PATH"] ?? "").split(delimiter), "/usr/local/go/bin"];
  for (const folder of folders) if (folder !== "" && (await isExecutable(join(folder, "go")))) return join(folder, "go");
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Something on the PATH that does not answer is not what is wanted, whatever its name. */
async function versionOf(program: string, options: BinaryOptions): Promise<string | undefined> {
  const text = await outputOf(program, ["version"], { ...options, timeoutMs: VERSION_TIMEOUT_MS }).catch(() => "");
  options.signal?.throwIfAborted();
  return /^v?(\d+\.\d+\.\d+)(\+\S+)?\s*$/.exec(text)?.[1];
}
