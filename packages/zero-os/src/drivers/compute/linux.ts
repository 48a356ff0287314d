/** Zmachines as OCI containers: skopeo and umoci for images, crun or runc to run them, conmon to stay with them. */
import { watch, type FSWatcher } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Clock, type Logger, messageOf, silentLogger, systemClock } from "@tfgrid/primitives";
import type { ComputeDriver, LogLine, ZmachineKey, ZmachineMetrics, ZmachineStart, ZmachineStatus } from "../../ports.ts";
import { buildBundle, processArguments } from "./bundle.ts";
import { Cgroups } from "./cgroups.ts";
import { fail } from "./errors.ts";
import { errnoOf, isAbsent, readIfExists, removeFolder } from "./files.ts";
import { DEFAULT_ID_RANGE, hostIdBase, type IdRangeOptions } from "./idmap.ts";
import { ImageStore, type StoredImage } from "./image-store.ts";
import { readInRoot } from "./in-root.ts";
import { readLog } from "./k8s-log.ts";
import { KeyedLock } from "./keyed-lock.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { detectMachine, type MachineFacts } from "./machine.ts";
import { unmountBelow } from "./mounts.ts";
import { type Places, prepareFiles, prepareNamespace, prepareRootfs, prepareVolumes } from "./prepare.ts";
import { Prober } from "./prober.ts";
import { type HealthTest, type ProbeResult, runProbe } from "./probe.ts";
import { contractOf, KEY_PATTERN, listFolders, readRecord, writeRecord, type ZmachineRecord } from "./record.ts";
import { signalNumber } from "./signals.ts";
import {
  createSupervised,
  deleteForced,
  type RuntimePaths,
  runtimeState,
  startCreated,
  supervisorAlive,
  supervisorPid,
} from "./supervisor.ts";
import { resolveUser } from "./users.ts";

export interface LinuxComputeOptions {
  /** Images, writable layers and logs. */
  readonly dataDir: string;
  /** `/tfgrid/<machine>`: zmachines and supervisors get groups below it. */
  readonly cgroupParent: string;
  /** Mount points and run-time state; default `/run<cgroupParent>`. */
  readonly runDir?: string;
  readonly idRange?: IdRangeOptions;
  /** False: unpack images with moved owners even where mounts could move them; all contracts of the node share one range. */
  readonly shiftedMounts?: boolean;
  /** Only `teardown` will be called: it must work where zmachines cannot run. */
  readonly removeOnly?: boolean;
  /** containers-registries.conf(5) of this node. */
  readonly registriesConf?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

export interface LinuxCompute extends ComputeDriver {
  readonly runtimeName: string;
  /** True: every contract has user ids of its own; false: all of this node share one range (Linux before 5.19). */
  readonly idsPerContract: boolean;
  /** Finishes or undoes what a killed agent left half-made. Call once before the first use. */
  recover(): Promise<void>;
  /** Ends and removes all zmachines and every mount, group and run-time file; images stay cached. */
  teardown(): Promise<void>;
  /** Stops watching; zmachines run on. */
  close(): void;
}

export async function linuxCompute(options: LinuxComputeOptions): Promise<LinuxCompute> {
  const runDir = options.runDir ?? `/run${options.cgroupParent}`;
  const idRange = options.idRange ?? DEFAULT_ID_RANGE;
  // A mapped root passes through these folders to its own file system.
  await mkdir(`${runDir}/zm`, { recursive: true, mode: 0o711 });
  for (const folder of [runDir, `${runDir}/zm`]) await chmod(folder, 0o711);
  await mkdir(`${options.dataDir}/zmachines`, { recursive: true, mode: 0o700 });
  await mkdir(`${options.dataDir}/exits`, { recursive: true, mode: 0o700 });
  const { dataDir, shiftedMounts = true, removeOnly = false } = options;
  const facts = await detectMachine({ dataDir, firstHostId: idRange.first, shiftedMounts, removeOnly });
  const driver = new Driver({ ...options, runDir, idRange, facts });
  await driver.recover();
  return driver;
}

interface DriverOptions extends LinuxComputeOptions {
  readonly runDir: string;
  readonly idRange: IdRangeOptions;
  readonly facts: MachineFacts;
}

class Driver implements LinuxCompute {
  readonly runtimeName: string;
  readonly idsPerContract: boolean;
  readonly #options: DriverOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #lock = new KeyedLock();
  readonly #images: ImageStore;
  readonly #cgroups: Cgroups;
  readonly #runtime: RuntimePaths;
  /** Keys that this process is starting right now. */
  readonly #starting = new Set<ZmachineKey>();
  readonly #listeners = new Set<(key: ZmachineKey) => void>();
  readonly #watcher: FSWatcher;
  readonly #prober = new Prober();

  constructor(options: DriverOptions) {
    const { facts, dataDir, runDir, idRange } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.runtimeName = facts.runtimeName;
    this.idsPerContract = facts.shiftsOwners;
    this.#cgroups = new Cgroups({ layout: facts.cgroups, parent: options.cgroupParent, clock: this.#clock });
    this.#runtime = { command: facts.runtimeCommand, stateRoot: `${runDir}/runtime`, exitDir: `${dataDir}/exits` };
    this.#images = new ImageStore({
      folder: `${dataDir}/images`,
      registriesConf: options.registriesConf,
      idBase: facts.shiftsOwners ? 0 : idRange.first,
      logger: this.#logger,
    });
    // The folder's own name comes as an event too, when it is removed.
    this.#watcher = watch(this.#runtime.exitDir, { persistent: false }, (_event, name) => {
      if (name !== null && name !== "exits" && KEY_PATTERN.test(name)) for (const listener of this.#listeners) listener(name);
    });
  }

  pullImage(...args: Parameters<ComputeDriver["pullImage"]>): Promise<void> {
    return this.#images.pull(...args);
  }

  async start(start: ZmachineStart): Promise<void> {
    const { key, spec } = start;
    if (!KEY_PATTERN.test(key)) throw fail("compute.unknown_zmachine", { message: `"${key}" cannot be the name of a zmachine.` });
    if (spec.isolation !== "container") throw fail("compute.isolation_unsupported", { details: { isolation: spec.isolation } });
    await this.#lock.run(key, async () => {
      const previous = await this.#record(key);
      const same = previous?.specHash === start.specHash && previous.phase !== "removing" ? previous : undefined;
      if (same !== undefined && (await this.#state(same)).state === "running") return;
      // A restart keeps writable layer and log; anything else begins anew.
      await (same === undefined ? this.#erase(key) : this.#dismantle(key));
      const image = await this.#images.get(spec.image.digest);
      if (image === undefined) throw fail("compute.image_not_cached", { details: { digest: spec.image.digest } });
      processArguments(spec, image.config);
      this.#starting.add(key);
      try {
        await this.#launch(start, image, same);
      } catch (error) {
        await this.#undo(key, same);
        throw error;
      } finally {
        this.#starting.delete(key);
      }
    });
  }

  async #launch(start: ZmachineStart, image: StoredImage, previous: ZmachineRecord | undefined): Promise<void> {
    const { key, spec } = start;
    const places = this.#places(key);
    const record: ZmachineRecord = {
      key,
      contractId: start.contractId,
      specHash: start.specHash,
      imageDigest: spec.image.digest,
      netnsPath: start.netnsPath,
      address: spec.networks[0]?.ip ?? "127.0.0.1",
      stopSignal: spec.stopSignal || image.config.stopSignal || "SIGTERM",
      hostIdBase: hostIdBase(start.contractId, this.#options.idRange, this.idsPerContract),
      startedAtMs: this.#clock.nowMs(),
      restarts: previous === undefined ? 0 : previous.restarts + 1,
      phase: "starting",
    };
    await mkdir(`${places.data}/persist`, { recursive: true, mode: 0o700 });
    await mkdir(`${places.run}/bundle`, { recursive: true, mode: 0o711 });
    await writeRecord(places.data, record);
    await this.#images.touch(spec.image.digest);
    await this.#writeBundle(start, image, record.hostIdBase);
    await createSupervised(this.#runtime, {
      id: key,
      bundle: `${places.run}/bundle`,
      logPath: `${places.data}/log`,
      persistDir: `${places.data}/persist`,
      cgroupFolders: await this.#cgroups.ensureSupervisors(),
    });
    await startCreated(this.#runtime, key);
    await writeRecord(places.data, { ...record, startedAtMs: this.#clock.nowMs(), phase: "running" });
  }

  async #writeBundle(start: ZmachineStart, image: StoredImage, idBase: number): Promise<void> {
    const { spec } = start;
    const places = this.#places(start.key);
    const [rootfsPath, sysfsPath, fileBinds] = await Promise.all([
      prepareRootfs(places, image, { sizeBytes: spec.resources.rootfsBytes, hostIdBase: idBase }),
      prepareNamespace(places, start.netnsPath),
      prepareFiles(places, start, idBase),
    ]);
    const volumeBinds = await prepareVolumes(start, rootfsPath, idBase);
    const accounts = { passwd: await readInRoot(image.rootfsPath, "/etc/passwd"), group: await readInRoot(image.rootfsPath, "/etc/group") };
    const bundle = buildBundle({
      spec,
      image: image.config,
      user: resolveUser(spec.user || image.config.user, accounts.passwd ?? "", accounts.group ?? ""),
      rootfsPath,
      netnsPath: start.netnsPath,
      sysfsPath,
      cgroupsPath: this.#cgroups.path(groupName(start.key)),
      hostIdBase: idBase,
      arch: process.arch,
      openFiles: this.#options.facts.openFiles,
      binds: [...fileBinds, ...volumeBinds],
    });
    await writeFile(`${places.run}/bundle/config.json`, JSON.stringify(bundle), { mode: 0o600 });
  }

  /** After a failed start: as before it. */
  async #undo(key: ZmachineKey, previous: ZmachineRecord | undefined): Promise<void> {
    try {
      if (previous === undefined) return await this.#erase(key);
      await this.#dismantle(key);
      await writeRecord(this.#places(key).data, previous);
    } catch (error) {
      // The reason of the failed start matters more to the caller; recover() and the next start clean up again.
      this.#logger.error("clean-up after a failed start failed", { key, error: messageOf(error) });
    }
  }

  async stop(key: ZmachineKey, options: { readonly stopSignal: string; readonly graceMs: number }): Promise<void> {
    await this.#lock.run(key, async () => {
      const record = await this.#record(key);
      if (record === undefined) return;
      await this.#signal(key, signalNumber(options.stopSignal || record.stopSignal));
      if (await this.#ended(record, options.graceMs)) return;
      await this.#signal(key, 9);
      if (!(await this.#ended(record, L.killTimeoutMs))) throw fail("compute.stop_failed", { details: { key } });
    });
  }

  async remove(key: ZmachineKey): Promise<void> {
    await this.#lock.run(key, () => this.#erase(key));
  }

  async list(): Promise<readonly ZmachineStatus[]> {
    const statuses: ZmachineStatus[] = [];
    for (const key of await this.#keys()) {
      const record = await this.#record(key);
      if (record === undefined || record.phase === "removing") continue;
      const { contractId: _number, specHash, startedAtMs } = record;
      statuses.push({ key, contractId: contractOf(record), specHash, startedAtMs, ...(await this.#state(record)) });
    }
    return statuses;
  }

  async probe(key: ZmachineKey, test: HealthTest, options: { readonly timeoutMs: number }): Promise<ProbeResult> {
    const record = await this.#record(key);
    if (record === undefined) return { healthy: false, output: "there is no such zmachine" };
    const { netnsPath, address } = record;
    const bundle = `${this.#places(key).run}/bundle`;
    return await runProbe({ id: key, bundle, netnsPath, address, paths: this.#runtime, prober: this.#prober }, test, options.timeoutMs);
  }

  async *logs(key: ZmachineKey, options: Parameters<ComputeDriver["logs"]>[1]): AsyncIterable<LogLine> {
    if ((await this.#record(key)) === undefined) throw fail("compute.unknown_zmachine", { details: { key } });
    const mayGrow = async (): Promise<boolean> => (await this.#record(key)) !== undefined;
    yield* readLog(`${this.#places(key).data}/log`, { ...options, clock: this.#clock, mayGrow });
  }

  async metrics(key: ZmachineKey): Promise<ZmachineMetrics | undefined> {
    const record = await this.#record(key);
    const usage = record === undefined ? undefined : await this.#cgroups.usage(groupName(key));
    return record === undefined || usage === undefined ? undefined : { ...usage, restarts: record.restarts };
  }

  onExit(listener: (key: ZmachineKey) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async collectGarbage(options: { readonly keepDigests: readonly string[]; readonly maxBytes: number }): Promise<void> {
    const keep = new Set(options.keepDigests);
    for (const key of await this.#keys()) {
      const record = await this.#record(key);
      if (record !== undefined) keep.add(record.imageDigest);
    }
    await this.#images.collectGarbage(keep, options.maxBytes);
  }

  async recover(): Promise<void> {
    await this.#images.recover();
    const recorded = new Set(await this.#keys());
    const leftovers = new Set(await listFolders(`${this.#options.runDir}/zm`));
    for (const group of await this.#cgroups.names()) if (group.startsWith("zm-")) leftovers.add(group.slice("zm-".length));
    for (const key of new Set([...recorded, ...leftovers])) {
      if (!KEY_PATTERN.test(key)) continue;
      await this.#lock.run(key, async () => {
        const record = await this.#record(key);
        const interrupted = record === undefined || record.phase === "removing" || (await this.#interrupted(record));
        if (interrupted) await this.#erase(key);
      });
    }
    for (const name of await listFolders(`${this.#options.dataDir}/zmachines`)) {
      if (name.startsWith(".")) await rm(`${this.#options.dataDir}/zmachines/${name}`, { recursive: true, force: true });
    }
  }

  async teardown(): Promise<void> {
    for (const key of await this.#keys()) await this.remove(key);
    await this.recover();
    this.close();
    await this.#cgroups.remove("supervisors");
    await this.#cgroups.removeParents();
    await unmountBelow(this.#options.runDir);
    await rm(this.#options.runDir, { recursive: true, force: true });
  }

  close(): void {
    this.#watcher.close();
    this.#prober.close();
    this.#listeners.clear();
  }

  /** Killed between the first record and the last: runs (then it is whole) or never ran. */
  async #interrupted(record: ZmachineRecord): Promise<boolean> {
    if (record.phase !== "starting") return false;
    return (await this.#state(record)).state !== "running";
  }

  async #state(record: ZmachineRecord): Promise<Pick<ZmachineStatus, "state" | "exitCode" | "oomKilled">> {
    const { key } = record;
    const exit = await readIfExists(`${this.#runtime.exitDir}/${key}`);
    if (exit !== undefined) return { state: "exited", exitCode: Number(exit.trim()), oomKilled: await this.#oomKilled(key) };
    const bundle = `${this.#places(key).run}/bundle`;
    const alive = (await this.#initPid(key)) !== undefined || (await supervisorAlive(bundle, key));
    if (!alive) return { state: "exited" };
    if (record.phase === "running") return { state: "running" };
    if (this.#starting.has(key) && record.phase === "starting") return { state: "created" };
    // The agent was killed between start and record: only the runtime knows on which side.
    if ((await runtimeState(this.#runtime, key)) !== "running") return { state: "created" };
    await writeRecord(this.#places(key).data, { ...record, phase: "running" });
    return { state: "running" };
  }

  async #oomKilled(key: ZmachineKey): Promise<boolean> {
    if ((await this.#cgroups.oomKills(groupName(key))) > 0) return true;
    return (await readIfExists(`${this.#places(key).data}/persist/oom`)) !== undefined;
  }

  async #signal(key: ZmachineKey, signal: number): Promise<void> {
    const pid = await this.#initPid(key);
    if (pid === undefined) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errnoOf(error) !== "ESRCH") throw error;
    }
  }

  async #initPid(key: ZmachineKey): Promise<number | undefined> {
    const pid = Number((await readIfExists(`${this.#places(key).run}/bundle/pid`))?.trim());
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
    return (await this.#cgroups.contains(groupName(key), pid)) ? pid : undefined;
  }

  async #ended(record: ZmachineRecord, timeoutMs: number): Promise<boolean> {
    const deadline = this.#clock.nowMs() + timeoutMs;
    for (;;) {
      if ((await this.#state({ ...record, phase: "running" })).state === "exited") return true;
      if (this.#clock.nowMs() >= deadline) return false;
      await this.#clock.sleep(L.pollMs);
    }
  }

  /** Everything that is not on disk: processes, runtime state, mounts, control group. Each step may have been done before. */
  async #dismantle(key: ZmachineKey): Promise<void> {
    const { run } = this.#places(key);
    await this.#signal(key, 9);
    await deleteForced(this.#runtime, key);
    await this.#cgroups.remove(groupName(key));
    const supervisor = await supervisorPid(`${run}/bundle`, key);
    if (supervisor !== undefined) await this.#endSupervisor(`${run}/bundle`, key);
    await unmountBelow(run);
    await rm(run, { recursive: true, force: true });
  }

  /** conmon ends by itself when its zmachine has; one that does not is killed. */
  async #endSupervisor(bundle: string, key: ZmachineKey): Promise<void> {
    const deadline = this.#clock.nowMs() + L.killTimeoutMs / 10;
    for (let pid = await supervisorPid(bundle, key); pid !== undefined; pid = await supervisorPid(bundle, key)) {
      if (this.#clock.nowMs() > deadline) process.kill(pid, "SIGKILL");
      await this.#clock.sleep(L.pollMs);
    }
  }

  async #erase(key: ZmachineKey): Promise<void> {
    const { data } = this.#places(key);
    const record = await this.#record(key);
    if (record !== undefined && record.phase !== "removing") await writeRecord(data, { ...record, phase: "removing" });
    await this.#dismantle(key);
    await rm(`${this.#runtime.exitDir}/${key}`, { force: true });
    await removeFolder(data);
  }

  async #record(key: ZmachineKey): Promise<ZmachineRecord | undefined> {
    try {
      return await readRecord(this.#places(key).data);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #keys(): Promise<string[]> {
    return (await listFolders(`${this.#options.dataDir}/zmachines`)).filter((name) => KEY_PATTERN.test(name));
  }

  #places(key: ZmachineKey): Places {
    return { data: `${this.#options.dataDir}/zmachines/${basename(key)}`, run: `${this.#options.runDir}/zm/${basename(key)}` };
  }
}

function groupName(key: ZmachineKey): string {
  return `zm-${key}`;
}
