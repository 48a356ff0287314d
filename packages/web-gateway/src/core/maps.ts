/** Which host leads where: three maps, changed at run time and written to files too. Pure. */
import type { Section } from "./desired.ts";

export const MAP_NAMES = ["hosts", "redirect", "passthrough"] as const;
export type MapName = (typeof MAP_NAMES)[number];
export type Maps = Readonly<Record<MapName, ReadonlyMap<string, string>>>;

export function mapsOf(sections: readonly Section[]): Maps {
  const pick = (wanted: (tls: Section["route"]["tls"]) => boolean, value: (section: Section) => string): Map<string, string> =>
    new Map(sections.filter(({ route }) => wanted(route.tls)).map((section) => [section.route.host, value(section)]));
  return {
    hosts: pick(
      (tls) => tls !== "passthrough",
      ({ name }) => name,
    ),
    // Plain http of a passed-through host has nowhere to go but to its https.
    redirect: pick(
      (tls) => tls !== "both",
      () => "yes",
    ),
    passthrough: pick(
      (tls) => tls === "passthrough",
      ({ name }) => name,
    ),
  };
}

export const mapText = (map: ReadonlyMap<string, string>): string => [...map].map(([host, value]) => `${host} ${value}\n`).join("");

export function mapCommands(file: string, wanted: ReadonlyMap<string, string>, actual: ReadonlyMap<string, string>): string[] {
  const commands: string[] = [];
  for (const [host, value] of wanted) {
    const now = actual.get(host);
    if (now === undefined) commands.push(`add map ${file} ${host} ${value}`);
    else if (now !== value) commands.push(`set map ${file} ${host} ${value}`);
  }
  for (const host of actual.keys()) if (!wanted.has(host)) commands.push(`del map ${file} ${host}`);
  return commands;
}
