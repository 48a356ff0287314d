/** `events.follow` for one WebSocket: history at the reader's pace, then live; whoever cannot keep up is cut off. */
import type { WebSocket } from "ws";
import type { CommittedBlock, Engine } from "../engines/engine.ts";
import { RPC_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import { NOTIFY_BLOCK, NOTIFY_END, NOTIFY_HEAD } from "./methods.ts";

/** ms. A reader that takes nothing for this long while it catches up is gone. */
const STALL_MS = 30_000;

export class Follower {
  readonly #socket: WebSocket;
  readonly #engine: Engine;
  readonly #id: number;
  /** Next height to send. */
  #cursor: number;
  #live = false;
  #ended = false;
  readonly #unsubscribe: () => void;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(options: { readonly socket: WebSocket; readonly engine: Engine; readonly id: number; readonly from: number }) {
    this.#socket = options.socket;
    this.#engine = options.engine;
    this.#id = options.id;
    this.#cursor = options.from;
    this.#unsubscribe = this.#engine.onBlock((block) => this.#onBlock(block));
    this.#heartbeat = setInterval(() => this.#sendHead(), RPC_LIMITS.followHeartbeatMs);
  }

  async run(): Promise<void> {
    while (!this.#ended && this.#cursor <= this.#engine.head().height) {
      const rows = this.#engine.events(this.#cursor, RPC_LIMITS.catchUpBlocks);
      // Nothing up to the head: no await between this and `live`, so no block can slip in between.
      if (rows.length === 0) break;
      for (const row of rows) {
        if (this.#ended) return;
        await this.#sendPaced(this.#blockMessage(row.json));
        this.#cursor = row.height + 1;
      }
    }
    this.#live = true;
    this.#sendHead();
  }

  end(): void {
    this.#ended = true;
    this.#unsubscribe();
    clearInterval(this.#heartbeat);
  }

  /** Says why, then closes. */
  cutOff(error = chainErrors.fail("rpc.slow_reader", { details: { nextHeight: this.#cursor } })): void {
    if (this.#ended) return;
    this.end();
    this.#socket.send(JSON.stringify({ jsonrpc: "2.0", method: NOTIFY_END, params: { subscription: this.#id, error: error.toWire() } }));
    this.#socket.close(1008, error.code);
    // A peer that does not read will not answer the close either.
    setTimeout(() => this.#socket.terminate(), 1_000).unref();
  }

  #onBlock(block: CommittedBlock): void {
    if (!this.#live || this.#ended || block.head.height < this.#cursor) return;
    this.#cursor = block.head.height + 1;
    if (block.eventsJson === undefined) return;
    this.#socket.send(this.#blockMessage(block.eventsJson));
    // A block is a sign of life as well.
    this.#heartbeat.refresh();
    if (this.#socket.bufferedAmount > RPC_LIMITS.unreadBytes) this.cutOff();
  }

  #blockMessage(json: string): string {
    return `{"jsonrpc":"2.0","method":"${NOTIFY_BLOCK}","params":{"subscription":${this.#id},"block":${json}}}`;
  }

  #sendHead(): void {
    if (!this.#live || this.#ended) return;
    const { height, timeMs } = this.#engine.head();
    const params = { subscription: this.#id, height: Math.max(height, this.#cursor - 1), timeMs };
    this.#socket.send(JSON.stringify({ jsonrpc: "2.0", method: NOTIFY_HEAD, params }));
  }

  async #sendPaced(message: string): Promise<void> {
    const sent = Promise.withResolvers<void>();
    this.#socket.send(message, () => sent.resolve());
    if (this.#socket.bufferedAmount < RPC_LIMITS.unreadBytes / 2) return;
    const stalled = setTimeout(() => this.cutOff(), STALL_MS);
    await sent.promise;
    clearTimeout(stalled);
  }
}
