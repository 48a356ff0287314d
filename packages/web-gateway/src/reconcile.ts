/** Desired routes against what HAProxy says: files first, then start, reload or commands, until nothing differs. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Logger } from "@tfgrid/primitives";
import { parseDescription, parseMap, parseServersState, type ServerState } from "./core/answers.ts";
import { type ConfigInput, CONFIG_FILE, mapFile, renderConfig, structureHash } from "./core/config.ts";
import { namespacesOf, placeRoutes, type Section } from "./core/desired.ts";
import { MAP_NAMES, mapCommands, mapsOf, mapText } from "./core/maps.ts";
import { errorFile, htmlPage, jsonPage, PAGES, type PageStatus } from "./core/pages.ts";
import { serverCommands } from "./core/servers.ts";
import { fail } from "./errors.ts";
import { writeAtomic, writeWhenChanged } from "./files.ts";
import type { HaproxyProcess } from "./haproxy/process.ts";
import { type Ask, runCommands } from "./haproxy/socket.ts";
import { GATEWAY_LIMITS as L } from "./limits.ts";
import type { GatewayRoute } from "./types.ts";

export interface Machine {
  readonly dataDir: string;
  readonly haproxy: HaproxyProcess;
  readonly ask: Ask;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Networks that exist on this machine, each with its inode: a network made anew has another one. Looked up without leaving the
 * event loop: the folder is in memory, and each second's look through the thread pool costs ten times as much.
 */
export function findNamespaces(names: Iterable<string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of new Set(names)) {
    const status = statSync(`/run/netns/${name}`, { throwIfNoEntry: false });
    if (status !== undefined) found.set(name, String(status.ino));
  }
  return found;
}

/** Places for the routes, and everything that HAProxy's configuration needs. */
export async function plan(
  routes: readonly GatewayRoute[],
  before: readonly Section[],
  base: Omit<ConfigInput, "sections" | "namespaceIds">,
): Promise<ConfigInput> {
  const wanted = routes.flatMap(({ backends }) => backends.map(({ namespace }) => namespace)).filter((name) => name !== undefined);
  const exists = findNamespaces([...wanted, ...namespacesOf(before)]);
  const sections = placeRoutes(routes, before, (name) => exists.has(name));
  const used = namespacesOf(sections);
  return { ...base, sections, namespaceIds: new Map(used.map((name) => [name, exists.get(name) ?? ""])) };
}

/** Everything that HAProxy reads when it starts; a restart then serves the same as before. */
export async function writeFiles(dataDir: string, input: ConfigInput): Promise<void> {
  for (const status of Object.keys(PAGES) as PageStatus[]) {
    await writeWhenChanged(join(dataDir, `${status}.html`), htmlPage(status));
    await writeWhenChanged(join(dataDir, `${status}.json`), jsonPage(status));
    await writeWhenChanged(join(dataDir, `${status}.http`), errorFile(status));
  }
  const maps = mapsOf(input.sections);
  for (const name of MAP_NAMES) await writeWhenChanged(join(dataDir, mapFile(name)), mapText(maps[name]));
}

export async function runningHash(ask: Ask): Promise<string | undefined> {
  return parseDescription(await ask("show info").catch(() => ""));
}

async function waitForHash(machine: Machine, hash: string): Promise<void> {
  const deadline = machine.clock.nowMs() + L.startTimeoutMs;
  while ((await runningHash(machine.ask)) !== hash) {
    if (machine.clock.nowMs() > deadline)
      throw fail("gateway.start_failed", { message: "HAProxy did not take the new configuration in time." });
    await machine.clock.sleep(10);
  }
}

export type Done = "started" | "reloaded" | "unchanged";

/** Starts or reloads where that is needed. */
async function ensureRunning(machine: Machine, input: ConfigInput): Promise<Done> {
  const { haproxy, dataDir, logger } = machine;
  const hash = structureHash(input);
  const pid = haproxy.pid();
  const running = pid === undefined ? undefined : await runningHash(machine.ask);
  const config = join(dataDir, CONFIG_FILE);
  if (pid !== undefined && running === hash) {
    await writeWhenChanged(config, renderConfig(input));
    return "unchanged";
  }
  await writeAtomic(config, renderConfig(input));
  await haproxy.check();
  if (pid !== undefined && running !== undefined) {
    await haproxy.reload();
    await waitForHash(machine, hash);
    logger.info("HAProxy took a new configuration", { routes: input.sections.length });
    return "reloaded";
  }
  // A master whose socket is silent serves nothing that we could steer.
  if (pid !== undefined) await haproxy.kill();
  await haproxy.start();
  await waitForHash(machine, hash);
  logger.info("HAProxy started", { routes: input.sections.length });
  return "started";
}

export async function serverStates(ask: Ask): Promise<Map<string, ServerState>> {
  return parseServersState(await ask("show servers state"));
}

const ROUNDS = 3;

/** Addresses and maps: commands until HAProxy says what is wanted. */
async function ensureState(machine: Machine, sections: readonly Section[]): Promise<void> {
  const { ask, logger } = machine;
  const maps = mapsOf(sections);
  for (let round = 0; ; round += 1) {
    const commands = serverCommands(sections, await serverStates(ask));
    for (const name of MAP_NAMES) {
      const file = `./${mapFile(name)}`;
      commands.push(...mapCommands(file, maps[name], parseMap(await ask(`show map ${file}`))));
    }
    if (commands.length === 0) return;
    if (round === ROUNDS) throw fail("gateway.socket_failed", { message: `HAProxy did not take: ${commands.slice(0, 3).join("; ")}` });
    const answer = await runCommands(ask, commands);
    logger.debug("run-time commands", { commands: commands.length, answer: answer.slice(0, 500) });
  }
}

export async function reconcile(machine: Machine, input: ConfigInput): Promise<Done> {
  await writeFiles(machine.dataDir, input);
  const done = await ensureRunning(machine, input);
  await ensureState(machine, input.sections);
  return done;
}
