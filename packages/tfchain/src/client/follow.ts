/**
 * The ledger's events as an async iterable: each block once, in order, over any number of lost connections. A consumer that is
 * slower than the ledger is waited for: the connection is closed when its buffer is full and opened again when it is empty.
 */
import { GridError, hasCode } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/errors.ts";
import { NOTIFY_BLOCK, NOTIFY_END, NOTIFY_HEAD } from "../rpc/methods.ts";
import { type EventBlock, type FollowOptions, eventBlock } from "../types/index.ts";
import { type Environment, backoffMs } from "./retry.ts";
import type { Servers } from "./servers.ts";
import { unreachable, unwrap, wireErrorOf } from "./transport.ts";

type Item =
  | { readonly kind: "block"; readonly block: EventBlock }
  /** Everything before this height has come. */
  | { readonly kind: "resume"; readonly from: number }
  | { readonly kind: "lost"; readonly error: GridError }
  | { readonly kind: "aborted" };

/** Ends a connection as soon as its user is done with it. */
class Stream {
  readonly #socket: WebSocket;
  readonly #url: string;
  readonly #items: Item[] = [];
  #wake: (() => void) | undefined;
  #lost = false;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string, from: number | undefined) {
    this.#url = url;
    this.#socket = new WebSocket(url.replace(/^http/, "ws"));
    this.#socket.addEventListener("open", () => {
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "events.follow", params: from === undefined ? {} : { from } }));
    });
    this.#socket.addEventListener("message", (message: MessageEvent) => this.#onMessage(message.data));
    this.#socket.addEventListener("close", (event: CloseEvent) => this.#lose(unreachable(url, new Error(`connection closed ${event.code} ${event.reason}`.trim()))));
    this.#socket.addEventListener("error", () => this.#lose(unreachable(url, new Error("connection failed"))));
    this.#feed();
  }

  close(): void {
    clearTimeout(this.#watchdog);
    this.#lost = true;
    this.#socket.close();
  }

  abort(): void {
    this.close();
    this.#push({ kind: "aborted" });
  }

  async next(): Promise<Item> {
    while (this.#items.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#items.shift() as Item;
  }

  #push(item: Item): void {
    this.#items.push(item);
    this.#wake?.();
    this.#wake = undefined;
  }

  #lose(error: GridError): void {
    if (this.#lost) return;
    this.close();
    this.#push({ kind: "lost", error });
  }

  /** A link can die without a word; the server speaks at least every few seconds. */
  #feed(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lose(unreachable(this.#url, new Error("connection went silent"))), CLIENT_LIMITS.watchdogMs);
  }

  #onMessage(data: unknown): void {
    if (this.#lost) return;
    this.#feed();
    try {
      this.#take(JSON.parse(String(data)) as Message);
    } catch (error) {
      this.#lose(error instanceof GridError ? error : chainErrors.fail("light.bad_answer", { cause: error }));
    }
    if (this.#items.length > CLIENT_LIMITS.bufferedBlocks) this.#lose(unreachable(this.#url, new Error("reading was paused")));
  }

  #take(message: Message): void {
    if (message.id === 1) {
      const { from } = unwrap(message) as { from: number };
      this.#push({ kind: "resume", from });
    } else if (message.method === NOTIFY_BLOCK) this.#push({ kind: "block", block: eventBlock.fromJson(message.params?.["block"]) });
    else if (message.method === NOTIFY_HEAD) this.#push({ kind: "resume", from: Number(message.params?.["height"]) + 1 });
    else if (message.method === NOTIFY_END) throw wireErrorOf(message.params?.["error"]) ?? chainErrors.fail("light.bad_answer");
  }
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export async function* follow(options: FollowOptions & { readonly servers: Servers; readonly env: Environment }): AsyncGenerator<EventBlock> {
  const { signal, servers, env } = options;
  let cursor: number | undefined = options.from;
  let failures = 0;
  while (!signal.aborted) {
    const url = await usableServer(servers, env, signal);
    if (url === undefined) return;
    const stream = new Stream(url, cursor);
    const onAbort = (): void => stream.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        const item = await stream.next();
        if (item.kind === "aborted" || signal.aborted) return;
        if (item.kind === "lost") {
          if (!servers.leave(url, item.error) && hasCode(item.error, "light.bad_answer")) throw item.error;
          if (hasCode(item.error, "chain.height_pruned")) throw item.error;
          env.logger.debug("the event stream was lost; it will be resumed", { url, cursor, error: item.error });
          break;
        }
        failures = 0;
        if (item.kind === "resume") cursor = Math.max(cursor ?? 0, item.from);
        // A server that repeats itself is not believed twice.
        else if (cursor === undefined || item.block.height >= cursor) {
          cursor = item.block.height + 1;
          servers.noteHeight(item.block.height);
          yield item.block;
        }
        // Reads or submissions have left this server: its stream may go on for long and tell of nothing any more.
        if (servers.url !== url) break;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      stream.close();
    }
    await env.clock.sleep(backoffMs(failures, env.entropy), signal).catch(() => undefined);
    failures += 1;
  }
}

/** The server in use, or another that is there and not behind; waits until there is one. Undefined: aborted. */
async function usableServer(servers: Servers, env: Environment, signal: AbortSignal): Promise<string | undefined> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      return await servers.use((transport) => Promise.resolve(transport.url), signal);
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof GridError)) throw error;
      env.logger.debug("no server of the ledger can be followed now", { error });
      await env.clock.sleep(backoffMs(failures, env.entropy), signal).catch(() => undefined);
    }
  }
  return undefined;
}
