/**
 * Public traffic of contracts, told to the ledger, which bills it: what passes the door of each private network to the Internet,
 * counted by the kernel, and on a gateway node what visitors send and get, counted by the gateway for each host name. Counters
 * begin anew with what counts, so growth is added up and kept on disk. What is not known for sure (the first look at a contract or
 * a host name, a lost file) is never billed.
 */
import { join } from "node:path";
import { type Clock, type ContractId, type GridError, type Infer, type KeyPair, type Logger, hasCode, s } from "@tfgrid/primitives";
import type { AgentChain } from "../agent/ports.ts";
import { nodeErrors } from "../errors.ts";
import { readIfPresent, writeDurably } from "../identity/files.ts";
import { NODE_LIMITS } from "../limits.ts";
import { znetKey } from "../provisioning/keys.ts";
import type { DesiredContract } from "../provisioning/model.ts";

const counted = s.struct({
  /** Since the contract began, as far as this node knows. */
  publicBytes: s.uint(),
  /** What the ledger has accepted of it. */
  toldBytes: s.uint(),
  /** The counters when they were last read, by network and by host name (`host/NAME`). */
  counters: s.record(s.uint(), { max: 64, key: s.text({ maxLength: 260 }) }),
});
export type Counted = Infer<typeof counted>;
const file = s.record(counted, { max: 100_000, key: s.text({ pattern: /^[1-9]\d{0,15}$/, maxLength: 16 }) });

export interface UsageStore {
  load(): Promise<ReadonlyMap<ContractId, Counted>>;
  /** Durable when it resolves. */
  save(rows: ReadonlyMap<ContractId, Counted>): Promise<void>;
}

export function fileUsageStore(options: { readonly dataDir: string; readonly logger: Logger }): UsageStore {
  const path = join(options.dataDir, "usage.json");
  return {
    load: async () => {
      const text = await readIfPresent(path);
      if (text === undefined) return new Map();
      try {
        return new Map(Object.entries(file.fromJson(JSON.parse(text))).map(([id, row]) => [Number(id) as ContractId, row]));
      } catch (cause) {
        options.logger.error("state file skipped", { file: "usage.json", error: nodeErrors.fail("node.state_corrupt", { cause }) });
        return new Map();
      }
    },
    save: (rows) => writeDurably(path, JSON.stringify(file.toJson(Object.fromEntries(rows)))),
  };
}

const HOST = "host/";
const isHost = (key: string): boolean => key.startsWith(HOST);

/** One more look. A counter that is smaller than before belongs to something that was made anew. */
export function count(before: Counted | undefined, counters: Readonly<Record<string, number>>): Counted {
  // First seen: from here on. A network may have served an earlier contract of the same solution.
  if (before === undefined) return { publicBytes: 0, toldBytes: 0, counters };
  let grown = 0;
  for (const [key, bytes] of Object.entries(counters)) {
    const last = before.counters[key];
    if (last !== undefined) grown += bytes >= last ? bytes - last : bytes;
    // A network that is new since then is this contract's own. A host name may have been somebody else's a moment ago.
    else if (!isHost(key)) grown += bytes;
  }
  return { ...before, publicBytes: before.publicBytes + grown, counters };
}

export interface UsageOptions {
  readonly chain: Pick<AgentChain, "submit">;
  readonly signer: KeyPair;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: UsageStore;
  /** Bytes in and out between a network and the Internet since the network was made; undefined: it is not there. */
  readonly publicBytes: (znet: string) => Promise<number | undefined>;
  /** On a gateway node: bytes of visitors by contract and host name; undefined while that is not known. */
  readonly visitorBytes?: () => Promise<ReadonlyMap<ContractId, Readonly<Record<string, number>>> | undefined>;
  readonly contracts: () => readonly Pick<DesiredContract, "contractId" | "solutionId" | "networks">[];
  readonly maxCallsPerTx: number;
}

type Told = readonly [id: ContractId, publicBytes: number];

/** A loop of its own: counts once an interval, tells what has grown enough to matter. */
export async function runUsage(options: UsageOptions, signal: AbortSignal): Promise<void> {
  const { clock, store } = options;
  const rows = new Map(await store.load());
  while (!signal.aborted) {
    await look(options, rows);
    await tell(options, rows, signal);
    await clock.sleep(NODE_LIMITS.usageIntervalMs, signal).catch(() => undefined);
  }
}

async function look(options: UsageOptions, rows: Map<ContractId, Counted>): Promise<void> {
  const held = options.contracts();
  const ids = new Set(held.map(({ contractId }) => contractId));
  const visitors = await visitorCounters(options);
  const publicBytes = oncePerNetwork(options.publicBytes);
  let changed = false;
  for (const id of rows.keys()) if (!ids.has(id)) changed = rows.delete(id) || changed;
  for (const { contractId, solutionId, networks } of held) {
    const counters: Record<string, number> = {};
    for (const { name } of networks) {
      const key = znetKey(solutionId, name);
      const bytes = await publicBytes(key);
      if (bytes !== undefined) counters[key] = bytes;
    }
    const before = rows.get(contractId);
    Object.assign(counters, visitors?.(contractId) ?? hostsOf(before?.counters ?? {}));
    const next = count(before, counters);
    if (before !== undefined && sameCounters(before.counters, counters)) continue;
    rows.set(contractId, next);
    changed = true;
  }
  // Before the ledger hears of it: after a crash nothing is counted twice.
  if (changed) await options.store.save(rows);
}

/** Contracts of one solution share networks, and reading a counter starts a program. */
function oncePerNetwork(read: UsageOptions["publicBytes"]): UsageOptions["publicBytes"] {
  const known = new Map<string, Promise<number | undefined>>();
  return (znet) => {
    const bytes = known.get(znet) ?? read(znet);
    known.set(znet, bytes);
    return bytes;
  };
}

const hostsOf = (counters: Counted["counters"]): Counted["counters"] => Object.fromEntries(Object.entries(counters).filter(([key]) => isHost(key)));

/** Undefined when the gateway cannot say: its counters stay where they were, and nothing is lost. */
async function visitorCounters({ visitorBytes, logger }: UsageOptions): Promise<((id: ContractId) => Counted["counters"]) | undefined> {
  if (visitorBytes === undefined) return () => ({});
  try {
    const byContract = await visitorBytes();
    if (byContract === undefined) return undefined;
    return (id) => Object.fromEntries(Object.entries(byContract.get(id) ?? {}).map(([host, bytes]) => [`${HOST}${host}`, bytes]));
  } catch (error) {
    logger.warn("visitors' traffic cannot be read", { error });
    return undefined;
  }
}

function sameCounters(a: Counted["counters"], b: Counted["counters"]): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

async function tell(options: UsageOptions, rows: Map<ContractId, Counted>, signal: AbortSignal): Promise<void> {
  const due = [...rows].filter(([, row]) => row.publicBytes - row.toldBytes >= NODE_LIMITS.usageLeastBytes).map(([id, row]): Told => [id, row.publicBytes]);
  for (let first = 0; first < due.length && !signal.aborted; first += options.maxCallsPerTx) await send(options, rows, due.slice(first, first + options.maxCallsPerTx), signal);
}

async function send(options: UsageOptions, rows: Map<ContractId, Counted>, batch: readonly Told[], signal: AbortSignal): Promise<void> {
  const { chain, signer, store, logger } = options;
  try {
    await chain.submit(signer, batch.map(([contractId, publicBytes]) => ({ type: "contracts.report_usage", contractId, publicBytes })), { signal });
    for (const [id, toldBytes] of batch) note(rows, id, { toldBytes });
    await store.save(rows);
  } catch (error) {
    if (signal.aborted) return;
    logger.warn("traffic not accepted", { contracts: batch.map(([id]) => id), error });
    // One contract that is gone must not keep the others from being heard: after a refusal they go one by one.
    if (batch.length > 1) for (const entry of batch) await send(options, rows, [entry], signal);
    else if (batch[0] !== undefined && hasCode(error, "contracts.impossible_usage")) await catchUp(options, rows, batch[0], error as GridError);
  }
}

/** The ledger knows of more than this node does (its file was lost): it goes on from there. */
async function catchUp({ store }: UsageOptions, rows: Map<ContractId, Counted>, [id, publicBytes]: Told, error: GridError): Promise<void> {
  const before = error.details?.["before"];
  if (typeof before !== "number" || before <= publicBytes) return;
  note(rows, id, { publicBytes: before, toldBytes: before });
  await store.save(rows);
}

function note(rows: Map<ContractId, Counted>, id: ContractId, change: Partial<Counted>): void {
  const row = rows.get(id);
  if (row !== undefined) rows.set(id, { ...row, ...change });
}
