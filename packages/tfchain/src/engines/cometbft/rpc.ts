/** The few questions that the ledger asks its own cometbft, over its JSON-RPC on a socket that only this machine reaches. */
import { Agent, type IncomingMessage, request } from "node:http";
import { messageOf } from "@tfgrid/primitives";
import { COMET_LIMITS } from "../../limits.ts";
import { cometErrors } from "./errors.ts";

export type RpcAddress = { readonly kind: "unix"; readonly path: string } | { readonly kind: "tcp"; readonly host: string; readonly port: number };

export interface CometStatus {
  readonly height: number;
  readonly firstHeight: number;
  readonly catchingUp: boolean;
  readonly nodeId: string;
  readonly peers: number;
}

/** Why cometbft did not take a transaction, or undefined. */
export type BroadcastAnswer = { readonly kind: "taken" | "known" | "full" } | { readonly kind: "failed"; readonly message: string };

type Json = Readonly<Record<string, unknown>>;
type Call = { readonly method: string; readonly params: Json };
type Answer = { readonly result: Json } | { readonly error: string };

/** Pages of validators hold at most this many. */
const PAGE = 100;
/** Connections to cometbft at once. */
const SOCKETS = 8;

export class CometRpc {
  readonly #address: RpcAddress;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS });
  readonly #stop = new AbortController();

  constructor(address: RpcAddress) {
    this.#address = address;
  }

  close(): void {
    this.#stop.abort();
    this.#agent.destroy();
  }

  /** @throws GridError cometbft.not_answering */
  async status(): Promise<CometStatus> {
    const [status, net] = await this.#batch([call("status"), call("net_info")]);
    const { sync_info: sync, node_info: node } = resultOf(status) as { sync_info?: Json; node_info?: Json };
    return {
      height: integer(sync?.["latest_block_height"]),
      firstHeight: integer(sync?.["earliest_block_height"]),
      catchingUp: sync?.["catching_up"] === true,
      nodeId: text(node?.["id"]),
      peers: integer(resultOf(net)["n_peers"]),
    };
  }

  /** `result` of `/commit` for each height; undefined where cometbft does not have it. @throws GridError cometbft.not_answering */
  async commits(heights: readonly number[]): Promise<readonly (Json | undefined)[]> {
    const answers = await this.#batch(heights.map((height) => call("commit", { height: String(height) })));
    return answers.map((answer) => ("result" in answer ? answer.result : undefined));
  }

  /** `result.validators` of `/validators`, all pages. @throws GridError cometbft.not_answering */
  async validators(height: number): Promise<readonly unknown[]> {
    const all: unknown[] = [];
    for (let page = 1; ; page += 1) {
      const [answer] = await this.#batch([call("validators", { height: String(height), page: String(page), per_page: String(PAGE) })]);
      const { validators, total } = resultOf(answer) as { validators?: unknown[]; total?: unknown };
      if (!Array.isArray(validators)) throw bad("validators");
      all.push(...validators);
      if (validators.length === 0 || all.length >= integer(total)) return all;
    }
  }

  /**
   * Hands transactions over in this order. cometbft asks our own CheckTx about each, so it is enough to know that it was
   * handed over: the verdict is ours. @throws GridError cometbft.not_answering
   */
  async broadcast(txs: readonly Uint8Array[]): Promise<readonly BroadcastAnswer[]> {
    const answers = await this.#batch(txs.map((tx) => call("broadcast_tx_async", { tx: Buffer.from(tx).toString("base64") })));
    return answers.map((answer) => ("error" in answer ? broadcastError(answer.error) : { kind: "taken" }));
  }

  /** `result` of one method. @throws GridError cometbft.not_answering */
  async ask(method: string): Promise<Json> {
    const [answer] = await this.#batch([call(method)]);
    return resultOf(answer);
  }

  /** cometbft's own answer to a JSON-RPC request, as it is. @throws GridError cometbft.not_answering */
  forward(request: string): Promise<string> {
    return this.#post(request);
  }

  async #batch(calls: readonly Call[]): Promise<readonly Answer[]> {
    const body = JSON.stringify(calls.map(({ method, params }, id) => ({ jsonrpc: "2.0", id, method, params })));
    const text = await this.#post(body);
    const value = parse(text);
    if (!Array.isArray(value) || value.length !== calls.length) throw bad("batch");
    const answers: Answer[] = [];
    for (const entry of value as readonly Json[]) answers[integer(entry["id"])] = answerOf(entry);
    if (calls.some((_, index) => answers[index] === undefined)) throw bad("batch");
    return answers;
  }

  #post(body: string): Promise<string> {
    const target = this.#address.kind === "unix" ? { socketPath: this.#address.path } : { host: this.#address.host, port: this.#address.port };
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body), host: "localhost" };
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(COMET_LIMITS.requestTimeoutMs)]);
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => reject(cometErrors.fail("cometbft.not_answering", { message: `cometbft does not answer: ${messageOf(cause)}`, cause }));
      const sent = request({ ...target, method: "POST", path: "/", agent: this.#agent, headers, signal }, (response) => {
        bodyOf(response).then(resolve, fail);
      });
      sent.once("error", fail);
      sent.end(body);
    });
  }
}

const call = (method: string, params: Json = {}): Call => ({ method, params });
const bad = (what: string) => cometErrors.fail("cometbft.not_answering", { message: `cometbft answered without a valid ${what}.`, details: { field: what } });

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > COMET_LIMITS.answerBytes) throw bad("length");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // A batch of one is answered like a call without one.
    return Array.isArray(value) ? value : [value];
  } catch {
    throw bad("JSON");
  }
}

function answerOf(entry: Json): Answer {
  const { result, error } = entry as { result?: Json; error?: { message?: unknown; data?: unknown } };
  if (typeof result === "object" && result !== null) return { result };
  return { error: `${text(error?.message)}: ${text(error?.data)}` };
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function resultOf(answer: Answer | undefined): Json {
  if (answer !== undefined && "result" in answer) return answer.result;
  throw cometErrors.fail("cometbft.not_answering", { message: `cometbft refused: ${answer?.error ?? "no answer"}` });
}

function integer(value: unknown): number {
  const number = typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number)) return number;
  throw bad("number");
}

function broadcastError(message: string): BroadcastAnswer {
  if (message.includes("tx already exists in cache")) return { kind: "known" };
  if (message.includes("mempool is full") || message.includes("recheck")) return { kind: "full" };
  return { kind: "failed", message };
}

