/** A current wireguard-go is several times faster than the one of Debian 12; where Go is at hand, it is built once and kept. */
import { access, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { type Logger, messageOf } from "@tfgrid/primitives";
import { tryRun } from "./run.ts";

/** Pinned: what is built is what was tested. Go's checksum database proves its content. */
const VERSION = "v0.0.0-20260522210424-ecfc5a8d5446";
const BUILD_TIMEOUT_MS = 300_000;

/**
 * Path of the best user-space WireGuard for `wireguardGo` of linuxNetwork: the cached build, a new build, or undefined
 * for the one in PATH. Never fails: a machine without Go or network simply uses what it has.
 */
export async function ensureWireguardGo(options: { readonly cacheDir: string; readonly logger: Logger; readonly signal?: AbortSignal }): Promise<string | undefined> {
  const { cacheDir, logger, signal } = options;
  const cached = join(cacheDir, `wireguard-go-${VERSION}`);
  if (await exists(cached)) return cached;
  try {
    const building = join(cacheDir, `building-${process.pid}`);
    await mkdir(building, { recursive: true });
    const args = ["-c", 'GOBIN="$1" GOFLAGS=-trimpath exec go install "golang.zx2c4.com/wireguard@$2"', "sh", building, VERSION];
    const result = await tryRun("sh", args, { timeoutMs: BUILD_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) });
    if (result.exitCode !== 0) {
      logger.info("wireguard-go of the system is used: no newer one could be built", { reason: result.stderr.trim().slice(-300) });
      return undefined;
    }
    await rename(join(building, "wireguard"), cached);
    return cached;
  } catch (error) {
    logger.info("wireguard-go of the system is used: no newer one could be built", { reason: messageOf(error) });
    return undefined;
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
