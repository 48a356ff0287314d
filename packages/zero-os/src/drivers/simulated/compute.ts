/** Compute in memory: as deterministic as its clock, with faults on demand. Same compliance suite as the Linux driver. */
import { type Clock, type GridError, systemClock } from "@tfgrid/primitives";
import type { ComputeDriver, LogLine, ZmachineKey, ZmachineMetrics, ZmachineStart, ZmachineStatus } from "../../ports.ts";
import { fail } from "../compute/errors.ts";
import { KEY_PATTERN } from "../compute/record.ts";
import { signalNumber } from "../compute/signals.ts";

/** What a simulated process does by itself. */
export interface SimulatedProgram {
  /** Ends after this time; absent: runs until it is stopped. */
  readonly endsAfterMs?: number;
  readonly exitCode?: number;
  readonly output?: readonly string[];
  /** Does not end when asked with a signal. */
  readonly ignoresStop?: boolean;
}

/** Changed by the test while it runs. */
export interface SimulatedComputeFaults {
  /** Digests that no registry has. */
  readonly missingImages: Set<string>;
  registryUnreachable: boolean;
  diskFull: boolean;
  pullDelayMs: number;
  startDelayMs: number;
  /** Keys whose health tests fail. */
  readonly unhealthy: Set<ZmachineKey>;
  /** Thrown once by the next call of that method. */
  readonly failNext: Map<"pullImage" | "start" | "stop" | "remove" | "list", GridError>;
}

export interface SimulatedComputeOptions {
  readonly clock?: Clock;
  readonly program?: (start: ZmachineStart) => SimulatedProgram;
}

export interface SimulatedCompute extends ComputeDriver {
  readonly faults: SimulatedComputeFaults;
  /** Digests in the cache. */
  readonly cached: ReadonlySet<string>;
  /** How a zmachine was started; undefined when it does not exist. */
  startOf(key: ZmachineKey): ZmachineStart | undefined;
  /** The process ends by itself, now. */
  exit(key: ZmachineKey, exitCode: number, options?: { readonly oomKilled?: boolean }): void;
  write(key: ZmachineKey, text: string, stream?: LogLine["stream"]): void;
  /** Power cut: everything that ran has ended without an exit code; disks keep what they had. */
  reboot(): void;
}

export function simulatedCompute(options: SimulatedComputeOptions = {}): SimulatedCompute {
  return new Driver(options);
}

interface Zmachine {
  readonly start: ZmachineStart;
  readonly program: SimulatedProgram;
  readonly log: LogLine[];
  readonly restarts: number;
  startedAtMs: number;
  state: ZmachineStatus["state"];
  exitCode: number | undefined;
  oomKilled: boolean;
}

class Driver implements SimulatedCompute {
  readonly faults: SimulatedComputeFaults = {
    missingImages: new Set(),
    registryUnreachable: false,
    diskFull: false,
    pullDelayMs: 0,
    startDelayMs: 0,
    unhealthy: new Set(),
    failNext: new Map(),
  };
  readonly cached = new Set<string>();
  readonly #clock: Clock;
  readonly #program: (start: ZmachineStart) => SimulatedProgram;
  readonly #zmachines = new Map<ZmachineKey, Zmachine>();
  readonly #listeners = new Set<(key: ZmachineKey) => void>();
  readonly #wakers = new Set<() => void>();

  constructor(options: SimulatedComputeOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#program = options.program ?? (() => ({}));
  }

  async pullImage(...[image, options]: Parameters<ComputeDriver["pullImage"]>): Promise<void> {
    this.#throwNext("pullImage");
    options.signal.throwIfAborted();
    if (this.cached.has(image.digest)) return;
    if (this.faults.pullDelayMs > 0) await this.#clock.sleep(this.faults.pullDelayMs, options.signal);
    if (this.faults.registryUnreachable) throw fail("compute.registry_unreachable");
    if (this.faults.missingImages.has(image.digest)) throw fail("compute.image_not_found", { details: { ...image } });
    if (this.faults.diskFull) throw fail("compute.disk_full");
    this.cached.add(image.digest);
  }

  async start(start: ZmachineStart): Promise<void> {
    this.#throwNext("start");
    const { key, spec } = start;
    if (!KEY_PATTERN.test(key)) throw fail("compute.unknown_zmachine", { message: `"${key}" cannot be the name of a zmachine.` });
    if (spec.isolation !== "container") throw fail("compute.isolation_unsupported");
    const previous = this.#zmachines.get(key);
    const same = previous?.start.specHash === start.specHash ? previous : undefined;
    if (same?.state === "running") return;
    if (same === undefined) await this.remove(key);
    if (!this.cached.has(spec.image.digest)) throw fail("compute.image_not_cached", { details: { digest: spec.image.digest } });
    this.#checkVolumes(start);
    if (this.faults.diskFull) throw fail("compute.disk_full");
    if (this.faults.startDelayMs > 0) await this.#clock.sleep(this.faults.startDelayMs);
    this.#run(start, same);
  }

  #run(start: ZmachineStart, previous: Zmachine | undefined): void {
    const program = this.#program(start);
    const zmachine: Zmachine = {
      start,
      program,
      log: previous?.log ?? [],
      restarts: previous === undefined ? 0 : previous.restarts + 1,
      startedAtMs: this.#clock.nowMs(),
      state: "running",
      exitCode: undefined,
      oomKilled: false,
    };
    this.#zmachines.set(start.key, zmachine);
    for (const text of program.output ?? []) this.write(start.key, text);
    if (program.endsAfterMs === undefined) return;
    const end = (): void => this.#end(zmachine, program.exitCode ?? 0, false);
    if (program.endsAfterMs === 0) end();
    else void this.#clock.sleep(program.endsAfterMs).then(end);
  }

  #checkVolumes(start: ZmachineStart): void {
    for (const mount of start.spec.mounts) {
      if (mount.type === "volume" && start.volumePaths[mount.source] === undefined) {
        throw fail("compute.volume_missing", { details: { volume: mount.source } });
      }
    }
  }

  async stop(key: ZmachineKey, options: { readonly stopSignal: string; readonly graceMs: number }): Promise<void> {
    this.#throwNext("stop");
    const zmachine = this.#zmachines.get(key);
    if (zmachine === undefined || zmachine.state === "exited") return;
    const signal = signalNumber(options.stopSignal || zmachine.start.spec.stopSignal || "SIGTERM");
    if (zmachine.program.ignoresStop === true && signal !== 9) {
      await this.#clock.sleep(options.graceMs);
      this.#end(zmachine, 137, false);
    } else {
      this.#end(zmachine, 128 + signal, false);
    }
  }

  async remove(key: ZmachineKey): Promise<void> {
    this.#throwNext("remove");
    const zmachine = this.#zmachines.get(key);
    if (zmachine === undefined) return;
    this.#end(zmachine, 137, false);
    this.#zmachines.delete(key);
    this.#wake();
  }

  async list(): Promise<readonly ZmachineStatus[]> {
    this.#throwNext("list");
    return [...this.#zmachines.values()].map((zmachine) => ({
      key: zmachine.start.key,
      contractId: zmachine.start.contractId,
      specHash: zmachine.start.specHash,
      state: zmachine.state,
      startedAtMs: zmachine.startedAtMs,
      ...(zmachine.exitCode === undefined ? {} : { exitCode: zmachine.exitCode, oomKilled: zmachine.oomKilled }),
    }));
  }

  async probe(...[key, test, options]: Parameters<ComputeDriver["probe"]>): ReturnType<ComputeDriver["probe"]> {
    const zmachine = this.#zmachines.get(key);
    if (zmachine?.state !== "running") return { healthy: false, output: "the zmachine does not run" };
    if (!this.faults.unhealthy.has(key)) return { healthy: true, output: `${test.type} test passed` };
    return { healthy: false, output: `no answer within ${options.timeoutMs} ms` };
  }

  async *logs(key: ZmachineKey, options: Parameters<ComputeDriver["logs"]>[1]): AsyncIterable<LogLine> {
    const zmachine = this.#zmachines.get(key);
    if (zmachine === undefined) throw fail("compute.unknown_zmachine", { details: { key } });
    const { log } = zmachine;
    let next = Math.max(0, log.length - options.tail);
    for (;;) {
      for (; next < log.length; next += 1) {
        const line = log[next];
        if (line !== undefined) yield line;
      }
      if (!options.follow || options.signal.aborted || this.#zmachines.get(key)?.log !== log) return;
      await this.#changed(options.signal);
    }
  }

  async metrics(key: ZmachineKey): Promise<ZmachineMetrics | undefined> {
    const zmachine = this.#zmachines.get(key);
    if (zmachine === undefined) return undefined;
    const running = zmachine.state === "running";
    return {
      cpuUsageUs: running ? (this.#clock.nowMs() - zmachine.startedAtMs) * 10 : 0,
      memoryBytes: running ? 1024 * 1024 : 0,
      memoryLimitBytes: zmachine.start.spec.resources.memoryBytes,
      pids: running ? 1 : 0,
      restarts: zmachine.restarts,
    };
  }

  onExit(listener: (key: ZmachineKey) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Every simulated image has one size, so the bound is a number of images of 1 MiB. */
  async collectGarbage(options: { readonly keepDigests: readonly string[]; readonly maxBytes: number }): Promise<void> {
    const used = new Set([...options.keepDigests, ...[...this.#zmachines.values()].map((zmachine) => zmachine.start.spec.image.digest)]);
    for (const digest of this.cached) {
      if (this.cached.size * 1024 * 1024 <= options.maxBytes) return;
      if (!used.has(digest)) this.cached.delete(digest);
    }
  }

  startOf(key: ZmachineKey): ZmachineStart | undefined {
    return this.#zmachines.get(key)?.start;
  }

  exit(key: ZmachineKey, exitCode: number, options: { readonly oomKilled?: boolean } = {}): void {
    const zmachine = this.#zmachines.get(key);
    if (zmachine === undefined) throw new Error(`no simulated zmachine ${key}`);
    this.#end(zmachine, exitCode, options.oomKilled ?? false);
  }

  write(key: ZmachineKey, text: string, stream: LogLine["stream"] = "stdout"): void {
    this.#zmachines.get(key)?.log.push({ timeMs: this.#clock.nowMs(), stream, text });
    this.#wake();
  }

  reboot(): void {
    for (const zmachine of this.#zmachines.values()) if (zmachine.state === "running") zmachine.state = "exited";
  }

  #end(zmachine: Zmachine, exitCode: number, oomKilled: boolean): void {
    if (zmachine.state !== "running" || this.#zmachines.get(zmachine.start.key) !== zmachine) return;
    Object.assign(zmachine, { state: "exited", exitCode, oomKilled });
    for (const listener of this.#listeners) listener(zmachine.start.key);
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wakers.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#wakers.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  #wake(): void {
    for (const waker of this.#wakers) waker();
  }

  #throwNext(method: Parameters<SimulatedComputeFaults["failNext"]["get"]>[0]): void {
    const error = this.faults.failNext.get(method);
    if (error === undefined) return;
    this.faults.failNext.delete(method);
    throw error;
  }
}
