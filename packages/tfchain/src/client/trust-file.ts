/** The newest verified header in a file: a program that runs now and then keeps its trust fresh without anybody's help. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { type Clock, type Logger, silentLogger, systemClock } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { type SignedHeader, type TrustStore, signedHeader } from "../light/index.ts";

export interface TrustFileOptions {
  /** In a folder that only this program writes to: who can write this file can make it believe anything. */
  readonly path: string;
  readonly clock?: Pick<Clock, "nowMs">;
  readonly logger?: Logger;
}

export function fileTrustStore({ path, clock = systemClock, logger = silentLogger }: TrustFileOptions): TrustStore {
  let savedAtMs = Number.NEGATIVE_INFINITY;
  return {
    load: async () => {
      try {
        return signedHeader.fromJson(JSON.parse(await readFile(path, "utf8")));
      } catch (error) {
        // What was configured is trusted instead, as on the first day.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") logger.warn("the kept header is not readable and is left aside", { path, error });
        return undefined;
      }
    },
    save: async (signed: SignedHeader) => {
      // Days count here, not blocks: a disk is not written to for each of them.
      if (clock.nowMs() - savedAtMs < CLIENT_LIMITS.trustFileMs) return;
      savedAtMs = clock.nowMs();
      try {
        await writeFile(`${path}.new`, JSON.stringify(signedHeader.toJson(signed)), { mode: 0o600 });
        await rename(`${path}.new`, path);
      } catch (error) {
        // Nothing is lost yet: the header in memory is trusted, and the next one is kept.
        logger.warn("the verified header could not be kept", { path, error });
      }
    },
  };
}
