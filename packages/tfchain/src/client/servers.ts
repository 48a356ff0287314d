/**
 * The servers of one chain as one: a call goes to the one in use, and on to the next when that one is away, behind, or lies.
 * A server that lied is not asked again while there is another; one that was away is, after a rest.
 */
import { type GridError, hasCode, isGridError } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { chainErrors } from "../light/index.ts";
import type { MethodName } from "../rpc/methods.ts";
import type { Environment } from "./retry.ts";
import { type CallOptions, type ParamsOf, type ResultOf, type Transport, httpTransport } from "./transport.ts";

/** What another server may do better. Everything else is the ledger's answer, or a danger that more servers do not lessen. */
const AWAY = ["chain.unreachable", "chain.stopped", "chain.no_quorum", "chain.not_yet_included", "cometbft.not_answering", "rpc.too_many_connections", "rpc.too_many_requests", "rpc.internal"] as const;
const BEHIND = ["chain.behind", "chain.catching_up", "light.stale_header", "light.trust_unproven"] as const;
const LIES = [
  "light.bad_answer",
  "light.wrong_chain",
  "light.bad_header",
  "light.bad_header_signature",
  "light.bad_validators",
  "light.not_enough_power",
  "light.wrong_height",
  "light.wrong_key",
  "light.bad_proof",
] as const;
const isOne = (codes: readonly string[], error: unknown): boolean => codes.some((code) => hasCode(error, code));

interface Server {
  readonly transport: Transport;
  restUntilMs: number;
  failures: number;
  /** What it was caught at. */
  lie: GridError | undefined;
}

export class Servers {
  readonly #servers: readonly [Server, ...Server[]];
  readonly #env: Environment;
  /** Of all servers' chain, when it is known. */
  readonly #chainId: string | undefined;
  #current: Server;
  #seenHeight = 0;

  constructor(options: { readonly urls: readonly string[]; readonly env: Environment; readonly chainId: string | undefined }) {
    const [first, ...others] = [...new Set(options.urls)].map((url) => ({ transport: httpTransport(url), restUntilMs: 0, failures: 0, lie: undefined }));
    if (first === undefined) throw chainErrors.fail("chain.bad_config", { message: "At least one URL of the chain is needed." });
    this.#servers = [first, ...others];
    this.#current = first;
    this.#env = options.env;
    this.#chainId = options.chainId;
  }

  /** Of the server in use. */
  get url(): string {
    return this.#current.transport.url;
  }

  /** Highest block that this client knows of by its own transactions and events: what is read must not be older. */
  get seenHeight(): number {
    return this.#seenHeight;
  }

  noteHeight(height: number): void {
    this.#seenHeight = Math.max(this.#seenHeight, height);
  }

  /** One attempt, on as many servers as it takes. @throws GridError of the last server asked */
  call<M extends MethodName>(method: M, params: ParamsOf<M>, options: CallOptions = {}): Promise<ResultOf<M>> {
    return this.use((transport) => transport.call(method, params, options), options.signal);
  }

  /** Runs against the server in use, and against others while it fails by the server's fault. */
  async use<T>(run: (transport: Transport) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let failure: unknown;
    const { clock } = this.#env;
    const beganAtMs = clock.nowMs();
    for (const server of this.#inOrder()) {
      try {
        await this.#enter(server, signal);
        const result = await run(server.transport);
        server.failures = 0;
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        failure = error;
        // Servers that let one wait, as all do while the chain stands still, are not asked all in one attempt.
        if (!this.#blame(server, error) || clock.nowMs() - beganAtMs >= CLIENT_LIMITS.callTimeoutMs) throw error;
      }
    }
    throw failure;
  }

  /** A server failed outside of `use`. False when there is no other to go to. */
  leave(url: string, error: unknown): boolean {
    const server = this.#servers.find(({ transport }) => transport.url === url);
    if (server !== undefined) this.#blame(server, error);
    return this.#servers.length > 1;
  }

  /** Those that may be asked: the one in use first; those that rest only when all do; liars only when all lie. */
  #inOrder(): readonly Server[] {
    const now = this.#env.clock.nowMs();
    const honest = this.#servers.filter(({ lie }) => lie === undefined);
    const awake = honest.filter(({ restUntilMs }) => restUntilMs <= now);
    const candidates = awake.length > 0 ? awake : honest.length > 0 ? honest.toSorted((a, b) => a.restUntilMs - b.restUntilMs) : this.#servers;
    return candidates.includes(this.#current) ? [this.#current, ...candidates.filter((server) => server !== this.#current)] : candidates;
  }

  /** Before a server is used for the first time after another: is it on the same chain, and as far? */
  async #enter(server: Server, signal: AbortSignal | undefined): Promise<void> {
    if (server === this.#current) return;
    const { url, call } = server.transport;
    const { chainId, height } = await call("head", {}, { signal });
    if (this.#chainId !== undefined && chainId !== this.#chainId) {
      throw chainErrors.fail("light.wrong_chain", { message: `${url} serves chain ${chainId}, not ${this.#chainId}.`, details: { url, chainId, trustedChainId: this.#chainId } });
    }
    if (height < this.#seenHeight) {
      throw chainErrors.fail("chain.behind", {
        message: `${url} is at height ${height}; height ${this.#seenHeight} has been seen.`,
        details: { url, height, seenHeight: this.#seenHeight },
      });
    }
    this.#env.logger.info("another server of the ledger is used", { url, before: this.url });
    this.#current = server;
  }

  /** True when another server should be asked. */
  #blame(server: Server, error: unknown): boolean {
    const { url } = server.transport;
    if (!isGridError(error)) return false;
    if (isOne(LIES, error)) {
      if (this.#servers.length > 1) server.lie = error;
      this.#env.logger.error("a server of the ledger lies", { url, error });
      return true;
    }
    if (!isOne(AWAY, error) && !isOne(BEHIND, error)) return false;
    server.failures += 1;
    const restMs = Math.min(CLIENT_LIMITS.serverRestMs * 2 ** (server.failures - 1), CLIENT_LIMITS.maxServerRestMs);
    server.restUntilMs = this.#env.clock.nowMs() + restMs;
    return true;
  }
}
