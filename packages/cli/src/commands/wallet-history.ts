/** `wallet history`: what moved TFT to and from you, told by the ledger's own events. */
import { type AccountId, type ContractId, formatTft } from "@tfgrid/primitives";
import { type chain, type ChainClient, type Contract, allRows } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { table } from "../output/terminal.ts";
import { isoTime, parseCount } from "./ledger.ts";

/** Blocks looked at when nothing is said: a day and more of a busy local grid, read in seconds. */
const DEFAULT_BLOCKS = 20_000;

interface Mine {
  readonly account: AccountId;
  readonly contracts: ReadonlySet<ContractId>;
}
interface Move {
  /** Positive: to you. */
  readonly units: bigint;
  readonly what: string;
}
type Teller<K extends chain.EventType> = (event: Extract<chain.ChainEvent, { type: K }>, mine: Mine) => Move | undefined;

/** Fees are not events: each command tells its own. */
const TELLERS: { readonly [K in chain.EventType]?: Teller<K> } = {
  "accounts.transferred": ({ from, to, amountUnits }, { account }) => {
    if (from === to || (from !== account && to !== account)) return undefined;
    return from === account ? { units: -amountUnits, what: `sent to ${to}` } : { units: amountUnits, what: `received from ${from}` };
  },
  "accounts.burned": ({ account, amountUnits }, mine) => (account === mine.account ? { units: -amountUnits, what: "burned" } : undefined),
  "contracts.billed": ({ contractId, amountUnits }, { contracts }) =>
    contracts.has(contractId) && amountUnits > 0n ? { units: -amountUnits, what: `bill of contract ${contractId}` } : undefined,
  "rewards.settled": ({ account, amountUnits, nodeId, period }, mine) =>
    account === mine.account && amountUnits > 0n ? { units: amountUnits, what: `reward of node ${nodeId}, period ${period}` } : undefined,
};

export async function walletHistory(context: Context, options: { readonly from?: string; readonly limit: string }): Promise<void> {
  const limit = parseCount(options.limit, "number of entries", [1, 100_000]);
  const { account } = context.keyPair();
  const reader = context.chain();
  const { height } = await reader.head();
  const from = options.from === undefined ? Math.max(0, height - DEFAULT_BLOCKS) : parseCount(options.from, "height", [0, height]);
  const mine = await mineOf(reader, account);
  const rows: { height: number; timeMs: number; units: bigint; what: string }[] = [];
  for await (const block of reader.follow({ from: from as typeof height, signal: context.signal })) {
    if (block.height > height) break;
    for (const event of block.events) {
      const move = (TELLERS[event.type] as ((event: chain.ChainEvent, mine: Mine) => Move | undefined) | undefined)?.(event, mine);
      if (move !== undefined) rows.push({ height: block.height, timeMs: block.timeMs, ...move });
    }
    if (block.height === height) break;
  }
  const newest = rows.slice(-limit);
  context.printer.result({ account, fromHeight: from, toHeight: height, entries: newest }, () =>
    table(["AT", "HEIGHT", "TFT", "WHAT"], newest.map((row) => [isoTime(row.timeMs), String(row.height), `${row.units > 0n ? "+" : ""}${formatTft(row.units)}`, row.what])),
  );
}

async function mineOf(reader: ChainClient, account: AccountId): Promise<Mine> {
  const twin = await reader.twinByAccount(account);
  const contracts = twin === undefined ? [] : await allRows<Contract>((page) => reader.contracts({ ...page, twinId: twin.id }));
  return { account, contracts: new Set(contracts.map(({ id }) => id)) };
}
