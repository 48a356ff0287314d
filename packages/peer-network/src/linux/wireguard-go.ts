/** A current wireguard-go is several times faster than the one of Debian 12; where Go is at hand, it is built once and kept. */
import { access, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, messageOf } from "@tfgrid/primitives";
import { tryRun } from "./run.ts";

/** Pinned: what is built is what was tested. Go's checksum database proves its content. */
const VERSION = "v0.0.0-20260522210424-ecfc5a8d5446";
const BUILD_TIMEOUT_MS = 300_000;
/** A build that failed, mostly for want of a network, is tried again after this: no restart of an agent waits for it meanwhile. */
const RETRY_AFTER_MS = 24 * 3_600_000;
const BUILDING = "building-";

/**
 * Path of the best user-space WireGuard for `wireguardGo` of linuxNetwork: the cached build, a new build, or undefined
 * for the one in PATH. Never fails: a machine without Go or network simply uses what it has.
 */
export async function ensureWireguardGo(options: { readonly cacheDir: string; readonly logger: Logger; readonly signal?: AbortSignal }): Promise<string | undefined> {
  const { cacheDir, logger, signal } = options;
  const cached = join(cacheDir, `wireguard-go-${VERSION}`);
  const failed = `${cached}.failed`;
  if (await exists(cached)) return cached;
  if (await isYoung(failed)) return undefined;
  try {
    await build(cacheDir, cached, signal);
    return cached;
  } catch (error) {
    const reason = messageOf(error);
    logger.info("wireguard-go of the system is used: no newer one could be built", { reason });
    if (signal?.aborted !== true) await writeFile(failed, `${reason}\n`).catch(() => undefined); // then the next start tries again
    return undefined;
  }
}

async function build(cacheDir: string, cached: string, signal: AbortSignal | undefined): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  // What a killed agent left: one agent at a time has this folder.
  for (const name of await readdir(cacheDir)) if (name.startsWith(BUILDING)) await rm(join(cacheDir, name), { recursive: true, force: true });
  const building = join(cacheDir, `${BUILDING}${process.pid}`);
  await mkdir(building);
  try {
    const args = ["-c", 'GOBIN="$1" GOFLAGS=-trimpath exec go install "golang.zx2c4.com/wireguard@$2"', "sh", building, VERSION];
    const result = await tryRun("sh", args, { timeoutMs: BUILD_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) });
    if (result.exitCode !== 0) throw new Error(result.stderr.trim().slice(-300));
    await rename(join(building, "wireguard"), cached);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

const isYoung = (path: string): Promise<boolean> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs < RETRY_AFTER_MS,
    () => false,
  );

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
