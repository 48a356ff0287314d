/** The outside program: only the pinned version is taken, and a machine that cannot have it is told how it could. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isOldGo } from "../../src/engines/cometbft/go.ts";
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

const version = (release: string): string => `test "$1" = version && { echo "go version go${release} linux/amd64"; exit 0; }`;

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
  program("go/go", `${version("1.26.8")}; printf '#!/bin/sh\\necho ${COMETBFT_VERSION}\\n' > "$GOBIN/cometbft"; /bin/chmod 755 "$GOBIN/cometbft"`);
  const notes: string[] = [];
  const built = await ensureCometBft({ ...options(join(folder, "go")), note: (text) => notes.push(text) });
  expect(await ensureCometBft({ ...options(join(folder, "go")), note: (text) => notes.push(text) })).toBe(built);
  expect(notes).toHaveLength(1);
  expect(readdirSync(join(folder, "cache"))).toEqual([`cometbft-${COMETBFT_VERSION}`]);
});

test("a build that fails says in Go's words why, and leaves nothing", async () => {
  program("go/go", `${version("1.26.8")}; echo 'dial tcp: no route to host' >&2; exit 1`);
  const failed = ensureCometBft(options(join(folder, "go")));
  await expect(failed).rejects.toMatchObject({ code: "cometbft.build_failed", message: expect.stringContaining("no route to host") as string });
  expect(readdirSync(join(folder, "cache"))).toEqual([]);
});

test("an old Go fetches a newer one and builds nothing with what is not the pinned one", async () => {
  const answer = JSON.stringify({ Path: "golang.org/toolchain", Dir: join(folder, "toolchain"), Sum: "h1:another" });
  program("go/go", `${version("1.19.8")}; echo "$@" >> "${folder}/asked"; test "$1" = mod && echo '${answer}'`);
  const failed = ensureCometBft(options(join(folder, "go")));
  await expect(failed).rejects.toMatchObject({ code: "cometbft.no_toolchain", message: expect.stringContaining("h1:another") as string });
  expect(readFileSync(join(folder, "asked"), "utf8")).toMatch(/^mod download -json golang\.org\/toolchain@v0\.0\.1-go\S+\n$/);
  expect(readdirSync(join(folder, "cache"))).toEqual([]);
});

test("an old Go without a network says in its words why", async () => {
  program("go/go", `${version("1.19.8")}; echo '{"Error":"dial tcp: no route to host"}'; exit 1`);
  const failed = ensureCometBft(options(join(folder, "go")));
  await expect(failed).rejects.toMatchObject({ code: "cometbft.no_toolchain", message: expect.stringContaining("no route to host") as string });
});

test.each([
  ["go version go1.19.8 linux/amd64", true],
  ["go version go1.22.12 linux/arm64", true],
  ["go version go1.23.0 linux/amd64", false],
  ["go version go2.0 linux/amd64", false],
  ["go version devel +abcdef linux/amd64", undefined],
])("%s: too old %s", (text, old) => {
  expect(isOldGo(text)).toBe(old);
});

test("a build that is no longer wanted ends with the caller's reason", async () => {
  program("go/go", `${version("1.26.8")}; exec /bin/sleep 60`);
  const abort = new AbortController();
  const building = ensureCometBft({ ...options(join(folder, "go")), signal: abort.signal, note: () => setTimeout(() => abort.abort(new Error("enough")), 50) });
  await expect(building).rejects.toThrow("enough");
  expect(readdirSync(join(folder, "cache"))).toEqual([]);
});
