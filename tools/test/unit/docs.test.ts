/** The documentation is part of the product: what it says of the code is compared with the code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { composeJsonSchema, formatProblem, parseCompose } from "@tfgrid/it-contract";
import { methods } from "@tfgrid/tfchain";
import { createProgram } from "../../../packages/cli/src/commands/index.ts";
import { allErrors } from "../../docs/errors.ts";
import { allLimits, readComments } from "../../docs/limits.ts";
import { brokenLinks, commandLines, commandProblem, markdownFiles, textOf } from "../../docs/markdown.ts";
import { generatedPages } from "../../docs/pages.ts";
import { root, sources } from "../../docs/sources.ts";

const errors = await allErrors();
const codes = new Set(errors.map((error) => error.code));
const limits = await allLimits();
/** Prefixes that no ledger event, call or timeline entry shares: a `code:` of theirs is an error's. */
const CODE_FIELD = /\bcode: "((?:cli|it_contract|gateway|messaging|network|compute|storage|explorer|dashboard|sdk|chain|rpc|light|mempool|codec|keys|seal)\.[a-z0-9_]+)"/g;
const pages = await generatedPages();
/** Shows every offender when there is one. */
const none = (list: readonly string[]): void => expect(list.join("\n")).toBe("");
const program = createProgram({ version: "0", signal: AbortSignal.abort() });

describe("generated pages", () => {
  it.each(pages)("$path is what the code says (else: npm run docs)", (page) => {
    expect(readFileSync(join(root, page.path), "utf8")).toBe(page.text);
  });
});

describe("error catalogues", () => {
  it("give each code one meaning in one room", () => {
    const seen = new Map<string, string>();
    const twice = errors.filter(({ code, room }) => seen.has(code) || seen.set(code, room) === undefined);
    none(twice.map(({ code }) => code));
  });

  it("say in sentences what happened and what to do", () => {
    const unclear = errors.filter(({ code, summary, cure }) => !/^[a-z_]+(\.[a-z0-9_]+)+$/.test(code) || !/^.{8,}[.?!]$/.test(summary) || !/^.{5,}[.?!)]$/.test(cure));
    none(unclear.map(({ code }) => code));
  });

  it("are all behind the doors", () => {
    const hidden = sources().flatMap(({ path, text }) =>
      text.includes("defineErrors({") ? [...text.matchAll(/^ {2}"([a-z_]+\.[a-z0-9_]+)": \{/gm)].flatMap(([, code = ""]) => (codes.has(code) ? [] : [`${path}: ${code}`])) : [],
    );
    none(hidden);
  });

  it("make every GridError", () => {
    const outside = sources().filter(({ path, text }) => path !== "packages/primitives/src/errors.ts" && text.includes("new GridError("));
    none(outside.map(({ path }) => path));
  });

  it("hold every code that the code makes, compares or documents", () => {
    const uses = [/\b(?:fail|hasCode)\((?:[^()"`]|\([^()]*\))*"([a-z_]+\.[a-z0-9_]+)"/g, /\.code === "([a-z_]+\.[a-z0-9_]+)"/g, /@throws GridError ([a-z_]+\.[a-z0-9_]*[a-z0-9])(?![*\w])/g, CODE_FIELD];
    const unknown = sources().flatMap(({ path, text }) => uses.flatMap((use) => [...text.matchAll(use)].flatMap(([, code = ""]) => (codes.has(code) ? [] : [`${path}: ${code}`]))));
    none(unknown);
  });

  it("send people to commands and pages that exist", () => {
    const lost = errors.flatMap(({ code, cure }) => [
      ...commandLines(cure).flatMap((line) => commandProblem(program, line) ?? []),
      ...[...cure.matchAll(/\bdocs\/[\w./-]+\.md\b/g)].filter(([page]) => !markdownFiles().includes(page)).map(([page]) => page),
    ].map((problem) => `${code}: ${problem}`));
    none(lost);
  });
});

describe("limits", () => {
  it("have a reason each", () => none(limits.filter((limit) => limit.reason === "").map((limit) => limit.name)));

  it("are read by code", () => none(limits.filter((limit) => limit.usedIn.length === 0).map((limit) => `${limit.file}: ${limit.name}`)));

  it("are found with their comments, whatever surrounds them", () => {
    const text = 'import { A } from "./a.ts";\n\n/** Bounds. */\nexport const X_LIMITS = {\n  /**\n   * One\n   * reason.\n   */\n  oneMs: 1,\n  two: A.two,\n} as const;\n\n/** Alone. */\nexport const LONE = 3;\n';
    expect(readComments(text)).toEqual([
      { group: "X_LIMITS", key: "oneMs", comment: "One reason." },
      { group: "X_LIMITS", key: "two", comment: "" },
      { group: "LONE", key: undefined, comment: "Alone." },
    ]);
  });
});

describe("pages", () => {
  it.each(markdownFiles())("%s links to what exists", (path) => none(brokenLinks(path)));

  it.each(markdownFiles())("%s tells people to run commands that exist", (path) => {
    none(commandLines(textOf(path)).flatMap((line) => commandProblem(program, line) ?? []));
  });

  it("README.md shows a Compose file that is accepted without a warning", async () => {
    const text = /```yaml\n([\s\S]*?)```/.exec(textOf("README.md"))?.[1] ?? "";
    const result = await parseCompose({ text, fileName: "README.md", environment: {}, readFile: () => Promise.reject(new Error("it names no file")) });
    none([...(result.ok ? [] : result.problems), ...result.warnings].map(formatProblem));
    expect(result).toMatchObject({ ok: true, draft: { name: "diary", services: { length: 2 } } });
  });

  it("docs/compose.md names every key that is read", () => {
    const named = new Set([...textOf("docs/compose.md").matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) => code.match(/[a-z][a-z_-]*/g) ?? []));
    none([...new Set(propertyNames(composeJsonSchema()))].filter((key) => !named.has(key)));
  });

  it("docs/api.md names every method of the ledger", () => {
    const page = textOf("docs/api.md");
    none(Object.keys(methods).filter((name) => !page.includes(`\`${name}\``)));
  });
});

describe("the check of commands", () => {
  it.each(["solution fly guestbook", "node list --loud", "nothing"])("refuses `tfgrid %s`", (line) => expect(commandProblem(program, line)).toBeDefined());
  it.each(["solution plan compose.yaml", "--state /var/lib/tfgrid up --detach", "wallet", "solution scale shop web=3"])("accepts `tfgrid %s`", (line) => expect(commandProblem(program, line)).toBeUndefined());
});

/** Names of all properties in a JSON Schema, at any depth. */
function propertyNames(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(propertyNames);
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) =>
    key === "properties" && typeof value === "object" && value !== null ? [...Object.keys(value), ...Object.values(value).flatMap(propertyNames)] : propertyNames(value),
  );
}
