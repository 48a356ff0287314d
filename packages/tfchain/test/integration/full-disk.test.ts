/** No space left: said by its code, nothing acknowledged is lost, and the chain goes on by itself when there is space again. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../support/full-disk.ts", import.meta.url));

test("a chain on a full disk waits for space, refuses with chain.disk_full, and loses nothing", () => {
  const disk = mkdtempSync(join(tmpdir(), "tfgrid-full-disk-"));
  try {
    // The disk is mounted for these processes alone: it goes with them, whatever becomes of the test.
    const command = 'mount -t tmpfs -o size=12m none "$0" && exec "$1" "$2" "$0"';
    const { stdout, stderr, status } = spawnSync("unshare", ["--mount", "sh", "-c", command, disk, process.execPath, SCRIPT], { encoding: "utf8", timeout: 240_000 });
    expect(status, stderr).toBe(0);
    const answer = JSON.parse(stdout) as { acknowledged: number; logs: string[] };
    expect(answer).toMatchObject({ readable: true, waited: true, grew: true, refused: { code: "chain.disk_full" } });
    expect(answer.acknowledged).toBeGreaterThan(2);
    expect(answer).toMatchObject({ found: answer.acknowledged, nonce: answer.acknowledged });
    expect(answer.logs.filter((line) => line === "the chain waits for space on its disk")).toHaveLength(1);
  } finally {
    rmdirSync(disk);
  }
});
