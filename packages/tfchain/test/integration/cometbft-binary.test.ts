/** The outside program: only the pinned version is taken, and a machine that cannot have it is told how it could. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { COMETBFT_VERSION, ensureCometBft, findCometBft } from "../../src/index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tfgrid-binary-"));
  for (const name of ["bin", "go", "cache"]) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(path: string, lines: string): void {
  writeFileSync(join(folder, path), `#!/bin/sh\n${lines}\n`);
  chmodSync(join(folder, path), 0o755);
}

const options = (path: string) => ({ cacheDir: join(folder, "cache"), env: { PATH: path } });

test("the pinned version on the PATH is taken, another is passed over", async () => {
  program("bin/cometbft", "echo 0.37.1");
  expect(await findCometBft(options(join(folder, "bin")))).toBeUndefined();
  program("bin/cometbft", "exit 3");
  expect(await findCometBft(options(join(folder, "bin")))).toBeUndefined();
  program("bin/cometbft", `echo v${COMETBFT_VERSION}+abcdef`);
  expect(await findCometBft(options(join(folder, "bin")))).toBe(join(folder, "bin/cometbft"));
});

test("it is built once by Go of the PATH, into the cache, and nothing else stays there", async () => {
  program("go/go", `echo "$@" >> "${folder}/asked"; printf '#!/bin/sh\\necho ${COMETBFT_VERSION}\\n' > "$GOBIN/cometbft"; /bin/chmod 755 "$GOBIN/cometbft"`);
  const notes: string[] = [];
  const built = await ensureCometBft({ ...options(join(folder, "go")), note: (text) => notes.push(text) });
  expect(await ensureCometBft({ ...options(join(folder, "go")), note: (text) => notes.push(text) })).toBe(built);
  expect(notes).toHaveLength(1);
  expect(readdirSync(join(folder, "cache"))).toEqual([`cometbft-${COMETBFT_VERSION}`]);
});

test("a build that fails says in Go's words why, and leaves nothing", async () => {
  program("go/go", "echo 'dial tcp: no route to host' >&2; exit 1");
  const failed = ensureCometBft(options(join(folder, "go")));
  await expect(failed).rejects.toMatchObject({ code: "cometbft.build_failed", message: expect.stringContaining("no route to host") as string });
  expect(readdirSync(join(folder, "cache"))).toEqual([]);
});

test("a build that is no longer wanted ends with the caller's reason", async () => {
  program("go/go", "exec /bin/sleep 60");
  const abort = new AbortController();
  const building = ensureCometBft({ ...options(join(folder, "go")), signal: abort.signal, note: () => setTimeout(() => abort.abort(new Error("enough")), 50) });
  await expect(building).rejects.toThrow("enough");
  expect(readdirSync(join(folder, "cache"))).toEqual([]);
});
