/** Guards that keep the house in order: one direction of dependencies, doors only, no way around either. */
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
