/** The hand-written pages, as the tests read them: links, and the commands that they tell a reader to run. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { root } from "./sources.ts";

/** README, CONTRIBUTING, CHANGELOG, rooms' own README files and everything below docs/. */
export function markdownFiles(): readonly string[] {
  const below = (folder: string): readonly string[] =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const rooms = readdirSync(join(root, "packages")).map((room) => join("packages", room, "README.md"));
  return ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", ...below("docs"), ...rooms].filter((path) => existsSync(join(root, path))).sort();
}

export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** Relative link targets that do not exist. */
export function brokenLinks(path: string): readonly string[] {
  const targets = [...textOf(path).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
  return targets.filter((target) => !/^(https?:|#|mailto:)/.test(target) && !existsSync(join(root, dirname(path), target.replace(/#.*$/, ""))));
}

/** Every `npx tfgrid ...`, `./tfgrid ...` or quoted `tfgrid ...` of a text, without its comment. */
export function commandLines(text: string): readonly string[] {
  const lines = [...text.matchAll(/^(?:\$ )?(?:sudo )?(?:npx |\.\/)tfgrid (.+)$/gm), ...text.matchAll(/`(?:npx |\.\/)?tfgrid ([^`]+)`/g), ...text.matchAll(/[(:;] ?tfgrid ((?:[a-z]+ ?){1,2})/g)];
  return lines.map((match) => (match[1] ?? "").replace(/\s+#.*$/, "").trim());
}

/** What is wrong with a command line: a word that is no command, or an option that it does not have. */
export function commandProblem(program: Command, line: string): string | undefined {
  let command = program;
  let value = false;
  for (const word of line.split(/\s+/)) {
    if (value) {
      value = false;
      continue;
    }
    if (word.startsWith("-")) {
      const flag = word.replace(/=.*$/, "");
      const option = [...command.options, ...program.options].find((candidate) => candidate.long === flag || candidate.short === flag);
      if (option === undefined && flag !== "--help") return `${command.name()} has no option ${flag}`;
      value = option?.required === true && !word.includes("=");
      continue;
    }
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next !== undefined) command = next;
    else if (command.commands.length > 0 && command.registeredArguments.length === 0) return /^[A-Z<[]|\.\.\./.test(word) ? undefined : `${command.name()} has no command ${word}`;
  }
  return undefined;
}
