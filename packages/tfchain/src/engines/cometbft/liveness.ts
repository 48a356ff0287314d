/** Whether blocks are made, as far as this server can tell: from its own commits, and from what cometbft says of itself. */
import { type Clock, type GridError, type Logger, hasCode } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import type { EngineStatus } from "../engine.ts";
import { cometErrors } from "./errors.ts";
import type { CometRpc, CometStatus } from "./rpc.ts";

export interface LivenessOptions {
  readonly rpc: Pick<CometRpc, "status">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** After each look. */
  readonly onLook: () => void;
}

/** ms between two looks while cometbft starts. */
const START_POLL_MS = 100;

export class Liveness {
  readonly #options: LivenessOptions;
  #lastBlockMs: number;
  #comet: CometStatus | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#lastBlockMs = options.clock.nowMs();
  }

  onBlock(): void {
    this.#lastBlockMs = this.#options.clock.nowMs();
  }

  /**
   * Fulfilled when cometbft answers. It does so only after it has replayed: each block gives it new time.
   * @throws GridError cometbft.not_answering, or the fatal error of the engine
   */
  async answering(height: () => number, fatal: () => { readonly error: unknown } | undefined): Promise<void> {
    const { clock, rpc } = this.#options;
    let seen = height();
    let deadline = clock.nowMs() + COMET_LIMITS.startTimeoutMs;
    for (;;) {
      const failed = fatal();
      if (failed !== undefined) throw failed.error;
      try {
        this.#comet = await rpc.status();
        break;
      } catch (error) {
        if (!hasCode(error, "cometbft.not_answering") || clock.nowMs() > deadline) throw error;
      }
      if (height() !== seen) deadline = clock.nowMs() + COMET_LIMITS.startTimeoutMs;
      seen = height();
      await clock.sleep(START_POLL_MS);
    }
    this.#lastBlockMs = clock.nowMs();
    this.#schedule();
  }

  /** Why a transaction would wait in vain, or undefined. */
  standstill(): GridError | undefined {
    const { stalledSinceMs, catchingUp, peers } = this.view();
    if (catchingUp) return cometErrors.fail("chain.catching_up", { details: { networkHeight: this.#comet?.height ?? null } });
    if (stalledSinceMs === null) return undefined;
    return cometErrors.fail("chain.no_quorum", { details: { stalledSinceMs, peers } });
  }

  view(): Pick<EngineStatus, "catchingUp" | "peers" | "stalledSinceMs"> {
    const stalled = this.#options.clock.nowMs() - this.#lastBlockMs >= COMET_LIMITS.stallMs;
    return { catchingUp: this.#comet?.catchingUp ?? true, peers: this.#comet?.peers ?? 0, stalledSinceMs: stalled ? this.#lastBlockMs : null };
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => this.#schedule());
    }, COMET_LIMITS.statusMs);
  }

  async #look(): Promise<void> {
    try {
      this.#comet = await this.#options.rpc.status();
    } catch (error) {
      if (!this.#stopped) this.#options.logger.debug("cometbft did not say how it is", { error });
    }
    if (!this.#stopped) this.#options.onLook();
  }
}
