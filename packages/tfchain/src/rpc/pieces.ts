/**
 * Lists that may look at every row of the ledger to find the few that were asked for: looked through in pieces, and one piece of one
 * list at a time, so that blocks are made and others are answered between them. A row that changes meanwhile is told as it is when
 * its piece is read, as between two pages.
 */
import type { PageOptions } from "../types/index.ts";
import type { Slice } from "../runtime/api.ts";

export type ReadPiece<P extends PageOptions, T> = (page: P) => Slice<T>;

export function piecewise(): <P extends PageOptions, T>(page: P, read: ReadPiece<P, T>) => readonly T[] | Promise<readonly T[]> {
  let turns: Promise<void> = Promise.resolve();
  const myTurn = (): Promise<void> => (turns = turns.then(() => new Promise((resolve) => setImmediate(resolve))));
  return (page, read) => {
    const { rows, next } = read(page);
    return next === undefined ? rows : goOn([...rows], async () => (await myTurn(), read), { ...page, ...next });
  };
}

async function goOn<P extends PageOptions, T>(rows: T[], turn: () => Promise<ReadPiece<P, T>>, first: P): Promise<readonly T[]> {
  for (let page = first; ; ) {
    const piece = (await turn())(page);
    rows.push(...piece.rows);
    if (piece.next === undefined) return rows;
    page = { ...page, ...piece.next };
  }
}
