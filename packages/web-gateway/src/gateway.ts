import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isGridError, messageOf, silentLogger, systemClock } from "@tfgrid/primitives";
import { ensureCertificate } from "./certificates.ts";
import { parseTraffic } from "./core/answers.ts";
import { ADMIN_SOCKET } from "./core/config.ts";
import { namespacesOf, type Section, type SortedRoutes, sortRoutes } from "./core/desired.ts";
import { fail } from "./errors.ts";
import { haproxyProcess } from "./haproxy/process.ts";
import { askSocket } from "./haproxy/socket.ts";
import { GATEWAY_LIMITS as L } from "./limits.ts";
import { findNamespaces, type Machine, plan, reconcile, serverStates } from "./reconcile.ts";
import { loadSections, saveSections } from "./state.ts";
import { statusOf } from "./status.ts";
import type { Gateway, GatewayOptions, GatewayRoute, GatewayStatus } from "./types.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
/** Unix socket paths end at 107 bytes. */
const MAX_SOCKET_PATH = 100;
/** Looks between two whole comparisons with what HAProxy says. */
const WHOLE_LOOK_EVERY = 15;

function checkOptions({ machine, netns, domain, listen }: GatewayOptions): void {
  const bad = [
    NAME.test(machine) ? undefined : "machine",
    netns === undefined || NAME.test(netns) ? undefined : "netns",
    /^[a-z0-9][a-z0-9.-]{0,250}$/.test(domain) ? undefined : "domain",
    /^[0-9a-fA-F.:*[\]]{1,45}$/.test(listen.address ?? "*") ? undefined : "listen.address",
  ].find((field) => field !== undefined);
  if (bad !== undefined)
    throw fail("gateway.invalid_route", { message: `The gateway's option ${bad} cannot be used in HAProxy's configuration.` });
}

/** One piece of work after the other; what an earlier one threw is its caller's. */
function inTurn(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}

function makeMachine(options: GatewayOptions, dataDir: string): Machine {
  const { clock = systemClock, logger = silentLogger, netns, haproxyPath = "haproxy" } = options;
  const haproxy = haproxyProcess({ dataDir, netns, haproxyPath, clock });
  const path = join(dataDir, ADMIN_SOCKET);
  const ask = (command: string): Promise<string> => {
    // HAProxy's working directory is the folder: a short way to a socket whose own path is too long.
    const reach = path.length <= MAX_SOCKET_PATH ? path : `/proc/${haproxy.pid() ?? "none"}/cwd/${ADMIN_SOCKET}`;
    return askSocket(reach, command);
  };
  return { dataDir, haproxy, ask, clock, logger };
}

class HaproxyGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #machine: Machine;
  readonly #turn = inTurn();
  readonly #ending = new AbortController();
  #looking: Promise<void> = Promise.resolve();
  #rounds = 0;
  #sections: readonly Section[];
  /** Undefined until somebody said what is wanted, now or before a restart. */
  #routes: readonly GatewayRoute[] | undefined;
  #refused: SortedRoutes["refused"] = [];
  /** What was said last about what is left out. */
  #leftOut = "";
  #namespaceIds: ReadonlyMap<string, string> = new Map();
  #reloads = 0;
  #starts = 0;
  #error: GatewayStatus["error"];

  constructor(options: GatewayOptions, machine: Machine, saved: readonly Section[] | undefined) {
    this.#options = options;
    this.#machine = machine;
    this.#sections = saved ?? [];
    this.#routes = saved?.map(({ route }) => route);
  }

  begin(): void {
    this.#looking = this.#keepLooking();
  }

  async apply(routes: readonly GatewayRoute[]): Promise<GatewayStatus> {
    const { good, refused, leftOut } = sortRoutes(routes);
    const words = [...refused.map(({ message }) => message ?? ""), ...leftOut].join("; ");
    if (words !== this.#leftOut && words !== "") this.#machine.logger.warn("not everything can be served", { leftOut: words.slice(0, 2_000) });
    this.#leftOut = words;
    await this.#turn(async () => {
      await this.#bring(good);
      this.#refused = refused;
    });
    return this.status();
  }

  async status(): Promise<GatewayStatus> {
    const { haproxy, ask } = this.#machine;
    const pid = haproxy.pid();
    const states = pid === undefined ? undefined : await serverStates(ask).catch(() => undefined);
    return {
      running: states !== undefined,
      pid,
      routes: [...statusOf(this.#sections, states), ...this.#refused],
      reloads: this.#reloads,
      starts: this.#starts,
      error: this.#error,
    };
  }

  async traffic(): Promise<ReadonlyMap<string, number>> {
    const sections = this.#sections;
    if (sections.length === 0) return new Map();
    // All proxies, of them the backends, all of these.
    const bytes = parseTraffic(await this.#machine.ask("show stat -1 2 -1"));
    return new Map(sections.map(({ name, route }) => [route.host, bytes.get(name) ?? 0]));
  }

  async authorityPem(): Promise<string> {
    return (await this.#turn(() => this.#certificate())).authorityPem;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#looking;
    await this.#turn(async () => undefined);
  }

  async teardown(): Promise<void> {
    await this.stop();
    await this.#machine.haproxy.kill();
    await rm(this.#machine.dataDir, { recursive: true, force: true });
  }

  #certificate(): ReturnType<typeof ensureCertificate> {
    const { dataDir, clock } = this.#machine;
    return ensureCertificate({ dataDir, domain: this.#options.domain, clock });
  }

  async #bring(routes: readonly GatewayRoute[]): Promise<void> {
    const { machine, listen, requestsPer10s = L.requestsPer10s } = this.#options;
    const certificateId = (await this.#certificate()).id;
    const input = await plan(routes, this.#sections, {
      machine,
      listen: { ...listen, address: listen.address ?? "*" },
      requestsPer10s,
      certificateId,
    });
    // Written before HAProxy is touched: after kill -9 in between, the next start brings about the same.
    await saveSections(this.#machine.dataDir, input.sections);
    this.#sections = input.sections;
    this.#routes = routes;
    const done = await reconcile(this.#machine, input);
    this.#namespaceIds = input.namespaceIds;
    if (done === "started") this.#starts += 1;
    if (done === "reloaded") this.#reloads += 1;
    this.#error = undefined;
  }

  /** The cheap look: does HAProxy live, and are the private networks those that it knows? */
  #looksRight(): boolean {
    if (this.#machine.haproxy.pid() === undefined) return false;
    const wanted = this.#sections
      .flatMap(({ route }) => route.backends.map(({ namespace }) => namespace))
      .filter((name) => name !== undefined);
    const now = findNamespaces([...wanted, ...namespacesOf(this.#sections)]);
    return now.size === this.#namespaceIds.size && [...now].every(([name, id]) => this.#namespaceIds.get(name) === id);
  }

  async #look(): Promise<void> {
    if (this.#routes === undefined || this.#ending.signal.aborted) return;
    this.#rounds += 1;
    const whole = this.#error !== undefined || this.#rounds % WHOLE_LOOK_EVERY === 1;
    if (whole || !this.#looksRight()) await this.#bring(this.#routes);
  }

  async #keepLooking(): Promise<void> {
    const { clock, logger } = this.#machine;
    while (!this.#ending.signal.aborted) {
      try {
        await this.#turn(() => this.#look());
      } catch (cause) {
        const { code, message } = isGridError(cause) ? cause : { code: "gateway.socket_failed", message: messageOf(cause) };
        if (this.#error?.message !== message) logger.warn("the gateway is not as it should be; trying again", { cause });
        this.#error = { code, message };
      }
      await clock.sleep(L.reconcileMs, this.#ending.signal).catch(() => undefined);
    }
  }
}

export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  checkOptions(options);
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const gateway = new HaproxyGateway(options, makeMachine(options, dataDir), await loadSections(dataDir));
  gateway.begin();
  return gateway;
}
