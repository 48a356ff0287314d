/** Guards that keep the house in order: one direction of dependencies, doors only, files that a person can read. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const rooms = readdirSync(join(root, "packages"));

/** Who may import whom: the arrows of docs/architecture.md. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  primitives: [],
  tfchain: ["primitives"],
  notary: ["primitives", "tfchain"],
  messaging: ["primitives", "tfchain"],
  sdk: ["primitives", "tfchain", "notary", "messaging"],
  "peer-network": ["primitives", "tfchain", "notary", "messaging", "sdk"],
  "web-gateway": ["primitives", "tfchain", "notary", "messaging", "sdk"],
  "zero-os": ["primitives", "tfchain", "notary", "messaging", "sdk", "peer-network", "web-gateway"],
  "it-contract": ["primitives", "tfchain", "notary", "messaging", "sdk"],
  explorer: ["primitives", "tfchain", "notary", "messaging", "sdk"],
  dashboard: ["primitives", "tfchain", "notary", "sdk", "it-contract"],
  cli: ["primitives", "tfchain", "notary", "messaging", "sdk", "peer-network", "web-gateway", "zero-os", "it-contract", "explorer", "dashboard"],
};

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes("node_modules") && !entry.parentPath.includes("/dist"))
    .map((entry) => join(entry.parentPath, entry.name));
}

const importsOf = (file: string): readonly string[] => [...readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map((match) => match[1] ?? "");

describe("rooms", () => {
  it("are exactly those of the architecture", () => expect([...rooms].sort()).toEqual(Object.keys(ARROWS).sort()));

  it.each(rooms)("%s imports only along the arrows, through doors", (room) => {
    const wrong: string[] = [];
    for (const file of sources(join(root, "packages", room, "src"))) {
      for (const target of importsOf(file)) {
        const other = /^@tfgrid\/([^/]+)(\/.*)?$/.exec(target);
        if (other !== null && (other[2] !== undefined || !(ARROWS[room] ?? []).includes(other[1] ?? ""))) wrong.push(`${relative(root, file)} imports ${target}`);
        if (target.startsWith(".") && !join(dirname(file), target).startsWith(join(root, "packages", room))) wrong.push(`${relative(root, file)} reaches out of its room: ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** What is, or is about to be, in the repository: text that people wrote. */
const written = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .stdout.split("\n")
  .filter((path) => /\.(ts|tsx|mjs|js|css|html|pl|md|json|ya?ml|sh)$|^tfgrid$|^\.ci\//.test(path) && path !== "package-lock.json")
  .flatMap((path) => {
    try {
      return [{ path, text: readFileSync(join(root, path), "utf8") }];
    } catch {
      return []; // deleted, and that not committed yet
    }
  });
const isGenerated = (path: string): boolean => /_pb\.(js|d\.ts)$/.test(path);
const isCode = (path: string): boolean => /\.(ts|tsx|mjs|js|pl|css)$/.test(path) && !isGenerated(path);

/** Every offender of a rule, by file and line. */
function offenders(pattern: RegExp, of: (path: string) => boolean = () => true): string {
  return written
    .filter(({ path }) => of(path) && path !== "tools/test/unit/tidy.test.ts")
    .flatMap(({ path, text }) => text.split("\n").flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : [])))
    .join("\n");
}

describe("files", () => {
  it("are found", () => expect(written.length).toBeGreaterThan(400));

  it("of code have at most 450 lines", () => {
    const long = written.filter(({ path, text }) => isCode(path) && text.split("\n").length > 451);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it("hold no notes to self: what is to be done is an issue", () => expect(offenders(/\b(TODO|FIXME|XXX|HACK)\b/, isCode)).toBe(""));

  it("name no folder of anybody's machine", () => expect(offenders(/(^|[\s"'`(=:])(\/(home|Users)\/[\w.-]+\/[\w.-]+|\/(root|work)\/[\w.-]+)/)).toBe(""));

  it("describe their package in a paragraph", () => {
    const descriptions = ["", ...rooms.map((room) => `packages/${room}`)].map((folder) => [folder, (JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as { description?: string }).description ?? ""] as const);
    expect(descriptions.filter(([, description]) => !/^[^\n]{40,}\.$/.test(description))).toEqual([]);
  });
});
