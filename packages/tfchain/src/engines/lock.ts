/**
 * One process per data folder. An abstract Unix socket is held while the chain runs: the kernel frees it at any kind of death,
 * so no stale lock file can keep a chain from starting after `kill -9`.
 */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { createServer } from "node:net";
import { chainErrors } from "../light/errors.ts";

export interface FolderLock {
  release(): Promise<void>;
}

/** @throws GridError chain.data_locked */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const name = createHash("sha256").update(realpathSync(folder)).digest("hex");
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(chainErrors.fail("chain.data_locked", { details: { folder }, cause })));
    server.listen(`\0tfgrid-chain-${name}`, resolve);
  });
  server.unref();
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}
