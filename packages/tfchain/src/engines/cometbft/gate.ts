/**
 * What a server gives to others that want to take part: where the chain began, whom to connect to, and the signed headers that
 * cometbft's state sync verifies. Reading only: nothing else of cometbft's own RPC is reachable from outside.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { JsonValue } from "@tfgrid/primitives";
import { chainErrors } from "../../light/errors.ts";
import { type ChainGate, type Invitation, PEER } from "../engine.ts";
import { cometErrors } from "./errors.ts";
import type { CometRpc } from "./rpc.ts";

/** All that a light client of cometbft asks. */
const READABLE = new Set(["commit", "validators", "consensus_params"]);
/** Questions of strangers at once: fewer than the connections that our own need. */
const MAX_ASKED = 4;

export class Gate implements ChainGate {
  readonly #rpc: Pick<CometRpc, "ask" | "forward">;
  readonly #home: string;
  readonly #genesis: JsonValue;
  #asked = 0;

  constructor(options: { readonly rpc: Pick<CometRpc, "ask" | "forward">; readonly home: string; readonly genesis: JsonValue }) {
    this.#rpc = options.rpc;
    this.#home = options.home;
    this.#genesis = options.genesis;
  }

  /** @throws GridError rpc.too_many_requests, cometbft.not_answering */
  invitation(): Promise<Invitation> {
    return this.#bounded(() => this.#invite());
  }

  async #invite(): Promise<Invitation> {
    const [genesisTimeMs, status, net] = await Promise.all([genesisTime(this.#home), this.#rpc.ask("status"), this.#rpc.ask("net_info")]);
    const others = Array.isArray(net["peers"]) ? net["peers"].map((peer) => peerOf(object(peer)["node_info"], object(peer)["remote_ip"])) : [];
    const peers = [peerOf(status["node_info"], undefined), ...others].filter((peer) => peer !== undefined);
    return { genesis: JSON.stringify(this.#genesis), genesisTimeMs, peers: [...new Set(peers)] };
  }

  /** @throws GridError rpc.unknown_method, rpc.too_many_requests, cometbft.not_answering */
  async ask(request: unknown): Promise<string> {
    const { method, params, id } = object(request);
    if (typeof method !== "string" || !READABLE.has(method)) throw chainErrors.fail("rpc.unknown_method", { message: "Only commit, validators and consensus_params are answered here." });
    return this.#bounded(() => this.#rpc.forward(JSON.stringify({ jsonrpc: "2.0", id, method, params })));
  }

  async #bounded<T>(run: () => Promise<T>): Promise<T> {
    if (this.#asked >= MAX_ASKED) throw chainErrors.fail("rpc.too_many_requests");
    this.#asked += 1;
    try {
      return await run();
    } finally {
      this.#asked -= 1;
    }
  }
}

type Json = Readonly<Record<string, unknown>>;
const object = (value: unknown): Json => (typeof value === "object" && value !== null ? (value as Json) : {});

async function genesisTime(home: string): Promise<number> {
  const timeMs = Date.parse(String(object(JSON.parse(await readFile(join(home, "config", "genesis.json"), "utf8")))["genesis_time"]));
  if (Number.isSafeInteger(timeMs)) return timeMs;
  throw cometErrors.fail("cometbft.bad_home", { message: "cometbft's genesis names no time." });
}

/** `NODEID@HOST:PORT`. One that listens on every address is known by the one that it was seen from. */
function peerOf(nodeInfo: unknown, seenFrom: unknown): string | undefined {
  const { id, listen_addr: listen } = object(nodeInfo);
  const [, host = "", port] = /^(?:tcp:\/\/)?(.*):(\d{1,5})$/.exec(String(listen)) ?? [];
  const everywhere = host === "" || host === "0.0.0.0" || host === "[::]";
  const address = everywhere ? seenFrom : host;
  const peer = typeof address === "string" ? `${String(id)}@${address.includes(":") && !address.startsWith("[") ? `[${address}]` : address}:${port}` : "";
  return PEER.test(peer) ? peer : undefined;
}
