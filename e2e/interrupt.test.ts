/** Ctrl-C at any moment of `tfgrid up` leaves nothing behind, and the next `up` works. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { gridOn, leftoversOf, newStateDir, spawnUp } from "./support/grid.ts";

const stateDir = newStateDir();
const grid = gridOn(stateDir);

afterAll(async () => {
  await grid.down();
  rmSync(stateDir, { recursive: true, force: true });
});

/** Starts in the foreground, and presses Ctrl-C when this has been shown. Answers what was shown until the end. */
async function interruptAt(shown: RegExp): Promise<{ readonly output: string; readonly code: number | null; readonly tookMs: number }> {
  const child = spawnUp(stateDir, ["--nodes", "1"]);
  let output = "";
  let pressedMs = 0;
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
    if (pressedMs !== 0 || !shown.test(output)) return;
    pressedMs = Date.now();
    // A terminal signals its whole foreground group; `spawnUp` made one.
    process.kill(-(child.pid as number), "SIGINT");
  };
  child.stdout?.on("data", take);
  child.stderr?.on("data", take);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  expect(pressedMs, `never shown: ${shown}\n${output}`).not.toBe(0);
  return { output, code, tookMs: Date.now() - pressedMs };
}

describe("Ctrl-C", () => {
  const moments: readonly (readonly [string, RegExp])[] = [
    ["while the chain starts", /lay the network/],
    ["while the services start", /start TFChain/],
    ["while 3Nodes boot", /register twins/],
    ["while the example is deployed", /contract agent/],
    ["while the example starts", /deploy examples/],
    ["when everything runs", /guestbook\s+http/],
  ];
  for (const [when, shown] of moments) {
    it(`${when}: nothing is left behind`, async () => {
      const { output, tookMs } = await interruptAt(shown);
      process.stdout.write(`Ctrl-C ${when}: ended after ${tookMs} ms\n`);
      expect(leftoversOf(grid.prefix, stateDir), output).toEqual([]);
    });
  }

  it("the next start works", async () => {
    const started = await grid.cli("up", "--detach", "--nodes", "1");
    expect(started.code, started.stdout + started.stderr).toBe(0);
    expect((await grid.fetch("guestbook.grid.localhost", "/")).status).toBe(200);
    await grid.down();
    expect(grid.leftovers()).toEqual([]);
  });
});
