/** Brings reports to the ledger: only when they differ from its copy, collected for a moment, within the quota. */
import type { Clock, ContractId, Entropy, KeyPair, Logger } from "@tfgrid/primitives";
import type { Report } from "@tfgrid/tfchain";
import type { AgentChain } from "../agent/ports.ts";
import { Wake } from "../agent/wake.ts";
import { NODE_LIMITS } from "../limits.ts";
import { backoffMs } from "../provisioning/fault.ts";
import { sameReport } from "./build-report.ts";

const MINUTE_MS = 60_000;

/** A token bucket: bursts are fine as long as the minute's sum holds. */
export class Quota {
  readonly #perMinute: number;
  #tokens: number;
  #atMs: number;

  constructor(perMinute: number, nowMs: number) {
    this.#perMinute = Math.max(1, perMinute);
    // Half at the start: a restarted agent does not know what it used a moment ago.
    this.#tokens = Math.max(1, this.#perMinute / 2);
    this.#atMs = nowMs;
  }

  /** Takes up to `wanted` tokens. */
  take(wanted: number, nowMs: number): number {
    this.#tokens = Math.min(this.#perMinute, this.#tokens + ((nowMs - this.#atMs) * this.#perMinute) / MINUTE_MS);
    this.#atMs = nowMs;
    const granted = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= granted;
    return granted;
  }

  /** When the next token is there. */
  nextMs(nowMs: number): number {
    return nowMs + Math.ceil(((1 - this.#tokens) * MINUTE_MS) / this.#perMinute);
  }
}

export interface ReporterOptions {
  readonly chain: Pick<AgentChain, "submit">;
  readonly signer: KeyPair;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly reportsPerMinute: number;
  readonly maxCallsPerTx: number;
  /** The ledger refused a report: the contract is perhaps gone. */
  readonly onRefused: (contractId: ContractId) => void;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #wanted = new Map<ContractId, Report>();
  readonly #onChain = new Map<ContractId, Report | null>();
  readonly #retryAtMs = new Map<ContractId, { readonly count: number; readonly atMs: number }>();
  readonly #wake = new Wake();
  readonly #quota: Quota;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const perMinute = Math.floor((options.reportsPerMinute * NODE_LIMITS.reportQuotaPercent) / 100);
    this.#quota = new Quota(perMinute, options.clock.nowMs());
  }

  /** What should be on the ledger; contracts left out are forgotten. */
  setWanted(reports: ReadonlyMap<ContractId, Report>): void {
    let changed = false;
    for (const id of this.#wanted.keys()) {
      if (reports.has(id)) continue;
      for (const map of [this.#wanted, this.#onChain, this.#retryAtMs]) map.delete(id);
    }
    for (const [id, report] of reports) {
      const before = this.#wanted.get(id);
      if (before !== undefined && sameReport(before, report)) continue;
      this.#wanted.set(id, report);
      changed = true;
    }
    if (changed) this.#wake.ring();
  }

  /** What was read there. */
  setOnChain(contractId: ContractId, report: Report | null): void {
    this.#onChain.set(contractId, report);
    const wanted = this.#wanted.get(contractId);
    if (wanted !== undefined && !sameReport(report, wanted)) this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      let untilMs = Number.MAX_SAFE_INTEGER;
      if (this.#due().length > 0) {
        await clock.sleep(NODE_LIMITS.reportDebounceMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        untilMs = await this.#sendDue(signal);
      }
      const retries = [...this.#retryAtMs.values()].map(({ atMs }) => atMs).filter((atMs) => atMs > clock.nowMs());
      await this.#wake.wait({ clock, untilMs: Math.min(untilMs, ...retries), signal });
    }
  }

  #due(): ContractId[] {
    const nowMs = this.#options.clock.nowMs();
    return [...this.#wanted]
      .filter(([id, report]) => (this.#retryAtMs.get(id)?.atMs ?? 0) <= nowMs && !sameReport(this.#onChain.get(id), report))
      .map(([id]) => id);
  }

  /** Answers when to look again because of the quota. */
  async #sendDue(signal: AbortSignal): Promise<number> {
    const { clock, maxCallsPerTx } = this.#options;
    const due = this.#due();
    const granted = this.#quota.take(Math.min(due.length, maxCallsPerTx), clock.nowMs());
    const batch = due.slice(0, granted).map((contractId) => ({ contractId, report: this.#wanted.get(contractId) as Report }));
    if (batch.length > 0) await this.#send(batch, signal);
    const left = this.#due();
    if (left.length === 0) return Number.MAX_SAFE_INTEGER;
    return Math.max(this.#quota.nextMs(clock.nowMs()), clock.nowMs());
  }

  async #send(batch: readonly { readonly contractId: ContractId; readonly report: Report }[], signal: AbortSignal): Promise<void> {
    const { chain, signer, logger } = this.#options;
    try {
      await chain.submit(signer, batch.map((entry) => ({ type: "contracts.report", ...entry })), { signal });
      for (const { contractId, report } of batch) {
        this.#onChain.set(contractId, report);
        this.#retryAtMs.delete(contractId);
      }
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("report not accepted", { contracts: batch.map(({ contractId }) => contractId), error });
      // One contract that is gone must not keep the others from being heard: after a refusal they go one by one.
      if (batch.length > 1) for (const entry of batch) await this.#send([entry], signal);
      else this.#noteRefusal(batch[0]?.contractId as ContractId);
    }
  }

  #noteRefusal(contractId: ContractId): void {
    const { clock, entropy, onRefused } = this.#options;
    const count = (this.#retryAtMs.get(contractId)?.count ?? 0) + 1;
    this.#retryAtMs.set(contractId, { count, atMs: clock.nowMs() + backoffMs(count, entropy) });
    onRefused(contractId);
  }
}
