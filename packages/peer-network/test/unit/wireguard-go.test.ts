import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@tfgrid/primitives";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ensureWireguardGo } from "../../src/linux/wireguard-go.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "wireguard-go-"));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "cache"));
  vi.stubEnv("PATH", `${join(folder, "bin")}:${process.env["PATH"]}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A `go` that notes that it was asked. */
function go(lines: string): void {
  writeFileSync(join(folder, "bin/go"), `#!/bin/sh\necho asked >> "${folder}/asked"\n${lines}\n`);
  chmodSync(join(folder, "bin/go"), 0o755);
}
const timesAsked = (): number => readFileSync(join(folder, "asked"), "utf8").split("\n").length - 1;
const ensure = (): Promise<string | undefined> => ensureWireguardGo({ cacheDir: join(folder, "cache"), logger: silentLogger });

test("it is built once, and nothing but the program stays, not even what a killed agent left", async () => {
  mkdirSync(join(folder, "cache/building-1"));
  go('touch "$GOBIN/wireguard"');
  const built = await ensure();
  expect(await ensure()).toBe(built);
  expect(timesAsked()).toBe(1);
  expect(readdirSync(join(folder, "cache")).map((name) => join(folder, "cache", name))).toEqual([built]);
});

test("a machine without a network tries once a day, so that no other start waits for it", async () => {
  go("echo 'dial tcp: network is unreachable' >&2; exit 1");
  expect(await ensure()).toBeUndefined();
  expect(await ensure()).toBeUndefined();
  expect(timesAsked()).toBe(1);
  const [mark = ""] = readdirSync(join(folder, "cache"));
  expect(readFileSync(join(folder, "cache", mark), "utf8")).toContain("unreachable");
  const yesterday = Date.now() / 1_000 - 25 * 3_600;
  utimesSync(join(folder, "cache", mark), yesterday, yesterday);
  await ensure();
  expect(timesAsked()).toBe(2);
});
