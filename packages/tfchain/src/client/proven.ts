/** Reads that need not trust the server: value, Merkle proof and signed header are checked here. */
import { type AccountId, type Clock, type ContractId, type Logger, type Schema, decode, hasCode, hexToBytes } from "@tfgrid/primitives";
import { CLIENT_LIMITS } from "../limits.ts";
import { type ChainTrust, type HeaderFacts, type HeaderSource, LightClient, type ProvenValue, type TrustStore, chainErrors, named, verifyProvenValue } from "../light/index.ts";
import { type TallyRow, contractFrom, contractRows, tallyRows } from "../runtime/contracts/rows.ts";
import { stateKeys } from "../runtime/state-keys.ts";
import {
  type Contract,
  type ContractPage,
  type NameContract,
  type ProvenReader,
  type ProvenReadOptions,
  type Twin,
  account,
  anchor,
  contractId,
  farm,
  node,
  nodeId,
  params,
  solution,
  solutionId,
  twin,
  twinId,
} from "../types/index.ts";
import type { Servers } from "./servers.ts";
import { type Transport, httpTransport } from "./transport.ts";

/** Largest state value that is accepted in an answer. */
const MAX_VALUE_BYTES = 4 * 1024 * 1024;

/** A server as a source of headers. */
export const headersOf = ({ url, call }: Pick<Transport, "url" | "call">): HeaderSource => ({
  url,
  header: (height, signal) => call("header.get", height === undefined ? {} : { height: height as never }, { signal }),
});

export interface ProvenValues {
  /** State height of the newest answer. */
  readonly height: number;
  /** `undefined`: proven to be absent. */
  get<T>(key: string, schema: Schema<T>, read?: ProvenReadOptions): Promise<T | undefined>;
}

export interface ProvenOptions {
  readonly servers: Servers;
  /** Repeats what may pass by itself. */
  readonly retry: <T>(run: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>;
  readonly trust: ChainTrust | undefined;
  readonly witnesses: readonly string[];
  readonly store: TrustStore | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Proven values of the newest state that the chain has signed. */
export class ProvenState implements ProvenValues {
  readonly #options: ProvenOptions;
  #light: Promise<LightClient> | undefined;
  #height = 0;

  constructor(options: ProvenOptions) {
    this.#options = options;
  }

  /** State height of the newest answer. */
  get height(): number {
    return this.#height;
  }

  /** `undefined`: proven to be absent. */
  async get<T>(key: string, schema: Schema<T>, read: ProvenReadOptions = {}): Promise<T | undefined> {
    const { servers, retry } = this.#options;
    const bytes = await retry(() => servers.use((transport) => named(transport.url, () => this.#ask(key, transport, read)), read.signal), read.signal);
    return bytes === undefined ? undefined : decode(schema, bytes, { maxBytes: MAX_VALUE_BYTES });
  }

  async #ask(key: string, transport: Transport, { atLeast = 0, signal }: ProvenReadOptions): Promise<Uint8Array | undefined> {
    const light = await this.#lightClient(transport);
    const answer = await newestValue(transport, key, signal);
    const value = answer.value === null ? undefined : hexToBytes(answer.value);
    const facts = await light.verify(answer.signedHeader, headersOf(transport), signal);
    verifyProvenValue({ key, value, answer });
    this.#requireFresh(facts);
    const neededHeight = Math.max(atLeast, this.#options.servers.seenHeight);
    if (facts.stateHeight < neededHeight) {
      throw chainErrors.fail("chain.behind", { details: { url: transport.url, height: facts.stateHeight, seenHeight: neededHeight } });
    }
    this.#height = Math.max(this.#height, facts.stateHeight);
    return value;
  }

  #requireFresh({ height, timeMs }: HeaderFacts): void {
    const ageMs = this.#options.clock.nowMs() - timeMs;
    // A header from the future is as wrong as an old one: it would stay "fresh" for too long.
    if (Math.abs(ageMs) <= CLIENT_LIMITS.maxHeaderAgeMs) return;
    throw chainErrors.fail("light.stale_header", {
      message: `The header of height ${height} is ${ageMs} ms old; at most ${CLIENT_LIMITS.maxHeaderAgeMs} ms are trusted.`,
      details: { height, ageMs, maxAgeMs: CLIENT_LIMITS.maxHeaderAgeMs },
    });
  }

  #lightClient(transport: Transport): Promise<LightClient> {
    this.#light ??= this.#begin(transport).catch((error: unknown) => {
      this.#light = undefined;
      throw error;
    });
    return this.#light;
  }

  async #begin(transport: Transport): Promise<LightClient> {
    const { clock, logger, store, witnesses } = this.#options;
    const trust = this.#options.trust ?? (await learn(transport, logger));
    return new LightClient({ trust, clock, logger, store, witnesses: witnesses.map((url) => headersOf(httpTransport(url))) });
  }
}

/** A chain that has just begun, or a server that has just started, has no signed header for a moment. */
async function newestValue({ url, call }: Transport, key: string, signal: AbortSignal | undefined): Promise<ProvenValue> {
  try {
    return await call("state.get", { key }, { signal });
  } catch (cause) {
    if (!hasCode(cause, "chain.height_unknown")) throw cause;
    throw chainErrors.fail("chain.behind", { message: `${url} has no signed header yet.`, details: { url }, cause });
  }
}

/** Without trust, what the first server shows is pinned on first use and never changes afterwards. */
async function learn(transport: Transport, logger: Logger): Promise<ChainTrust> {
  const { type, header } = await transport.call("header.get", {});
  const { chainId } = header;
  const learnt: ChainTrust = type === "solo" ? { chainId, authority: header.authority } : { chainId, validatorsHash: header.validatorsHash };
  logger.warn("no trust was given: what the server shows first is taken for true", { url: transport.url, ...learnt });
  return learnt;
}

type ListContracts = (page: ContractPage) => Promise<readonly Contract[]>;

export function provenReader(state: ProvenValues, listContracts: ListContracts): ProvenReader {
  const proveContract = contractProver(state);
  const byAccount = async (id: AccountId, options?: ProvenReadOptions): Promise<Twin | undefined> => {
    const found = await state.get(stateKeys.twinByAccount(id), twinId, options);
    const row = found === undefined ? undefined : await state.get(stateKeys.twin(found), twin, options);
    // Two reads, two heights: between them the twin may have taken another key.
    return row?.account === id ? row : undefined;
  };
  return {
    contract: (id, options) => proveContract(id, options),
    contracts: (page = {}, options = {}) => {
      const tallies: Tallies = new Map();
      return provenContracts(page, { list: listContracts, prove: (id) => proveContract(id, options, tallies) });
    },
    solution: (id, options) => state.get(stateKeys.solution(id), solution, options),
    node: (id, options) => state.get(stateKeys.node(id), node, options),
    twin: (id, options) => state.get(stateKeys.twin(id), twin, options),
    farm: (id, options) => state.get(stateKeys.farm(id), farm, options),
    anchor: (document, options) => state.get(stateKeys.anchor(document), anchor, options),
    account: async (id, options) => (await state.get(stateKeys.account(id), account, options)) ?? { id, freeUnits: 0n, heldUnits: 0n, nonce: 0 },
    params: async (options) => {
      const value = await state.get(stateKeys.params, params, options);
      if (value === undefined) throw chainErrors.fail("light.bad_answer", { message: "The proven state has no parameters." });
      return value;
    },
    twinByAccount: byAccount,
    nodeByTwin: async (id, options) => {
      const found = await state.get(stateKeys.nodeByTwin(id), nodeId, options);
      return found === undefined ? undefined : state.get(stateKeys.node(found), node, options);
    },
    nameContract: async (name, options) => {
      const found = await state.get(stateKeys.nameContract(name), contractId, options);
      const row = found === undefined ? undefined : await proveContract(found, options);
      return row?.type === "name" && row.name === name && row.state !== "deleted" ? (row as NameContract) : undefined;
    },
    solutionByName: async (owner, name, options) => {
      const found = await state.get(stateKeys.solutionByName(owner, name), solutionId, options);
      const row = found === undefined ? undefined : await state.get(stateKeys.solution(found), solution, options);
      // Two reads, two heights: between them the name may have become free.
      return row?.name === name && row.twinId === owner ? row : undefined;
    },
    height: () => state.height,
  };
}

/** Neighbours share a row of what they cost: it is read once for a list. */
type Tallies = Map<string, Promise<TallyRow | undefined>>;

function contractProver(state: ProvenValues) {
  return async (id: ContractId, options: ProvenReadOptions = {}, tallies: Tallies = new Map()): Promise<Contract | undefined> => {
    const key = stateKeys.tally(id);
    const tally = (from: ProvenReadOptions): Promise<TallyRow | undefined> => {
      const read = state.get(key, tallyRows.schema, from);
      tallies.set(key, read);
      return read;
    };
    const [stored, row] = await Promise.all([state.get(stateKeys.contract(id), contractRows.schema, options), tallies.get(key) ?? tally(options)]);
    if (stored === undefined) return undefined;
    // Two reads, two heights: the contract may have been made between them.
    const found = contractFrom(stored, row) ?? contractFrom(stored, await tally({ ...options, atLeast: Math.max(state.height, options.atLeast ?? 0) }));
    if (found === undefined) throw chainErrors.fail("light.bad_answer", { message: `The proven state has contract ${id}, but not what it costs.` });
    return found;
  };
}

interface ContractSource {
  readonly list: ListContracts;
  readonly prove: (id: ContractId) => Promise<Contract | undefined>;
}

async function provenContracts(page: ContractPage, { list, prove }: ContractSource): Promise<readonly Contract[]> {
  const { limit } = page;
  const wanted: Contract[] = [];
  for (let { after } = page; ; ) {
    const left = limit === undefined ? undefined : limit - wanted.length;
    const listed = await list({ ...page, ...(after === undefined ? {} : { after }), ...(left === undefined ? {} : { limit: left }) });
    const proven = await inGroups(listed, ({ id }) => prove(id));
    // A row that has changed since it was listed may not be wanted any more. Others make up for it: who reads page after page
    // takes one that is not full for the last.
    wanted.push(...proven.filter((row) => row !== undefined && isWanted(row, page)) as Contract[]);
    const last = listed.at(-1);
    if (last === undefined || left === undefined || listed.length < left || wanted.length === limit) return wanted;
    after = last.id;
  }
}

async function inGroups<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let begin = 0; begin < items.length; begin += CLIENT_LIMITS.provenAtOnce) {
    results.push(...(await Promise.all(items.slice(begin, begin + CLIENT_LIMITS.provenAtOnce).map(run))));
  }
  return results;
}

function isWanted(row: Contract, { nodeId: wantedNode, solutionId, twinId: owner, active }: ContractPage): boolean {
  const ofNode = row.type === "name" ? row.gatewayNodeId : row.nodeId;
  return (
    (wantedNode === undefined || ofNode === wantedNode) &&
    (solutionId === undefined || row.solutionId === solutionId) &&
    (owner === undefined || row.twinId === owner) &&
    (active === undefined || (row.state !== "deleted") === active)
  );
}
