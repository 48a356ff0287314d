/** The command tree itself: every command, argument and option says what it is for, and usage errors are told once. */
import type { Command } from "commander";
import { expect, test, vi } from "vitest";
import { createProgram } from "../../src/commands/index.ts";

const program = (quiet: boolean): Command => createProgram({ version: "test", signal: AbortSignal.timeout(10_000), quiet });

function silentParts(command: Command, before: readonly string[] = []): readonly string[] {
  const path = [...before, command.name()];
  const name = path.join(" ");
  return [
    ...(command.description() === "" ? [name] : []),
    ...command.registeredArguments.filter(({ description }) => description === "").map((argument) => `${name} <${argument.name()}>`),
    ...command.options.filter(({ description, hidden }) => description === "" && !hidden).map(({ flags }) => `${name} ${flags}`),
    ...command.commands.flatMap((child) => silentParts(child, path)),
  ];
}

test("help leaves nothing without a word", () => {
  expect(silentParts(program(false))).toEqual([]);
});

test.each([
  { quiet: false, printed: /unknown command/ },
  { quiet: true, printed: /^$/ },
])("a usage error is printed unless the caller tells it (quiet: $quiet)", async ({ quiet, printed }) => {
  let err = "";
  const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => ((err += String(text)), true));
  try {
    await expect(program(quiet).parseAsync(["node", "tfgrid", "node", "frobnicate"])).rejects.toMatchObject({ exitCode: 1 });
  } finally {
    spy.mockRestore();
  }
  expect(err).toMatch(printed);
});
