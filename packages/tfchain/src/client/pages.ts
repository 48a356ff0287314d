/** Lists of the ledger as a whole: page after page, each from the last row of the one before. */
import { CLIENT_LIMITS } from "../limits.ts";

export type ReadPage<T> = (page: { readonly after: number; readonly limit: number }) => Promise<readonly T[]>;

/** What a list is ordered by, ascending; its next page begins after this. */
type CursorOf<T> = (row: T) => number;
const idOf: CursorOf<{ readonly id: number }> = ({ id }) => id;

/** For lists that are dealt with piece by piece: memory holds one page. None of them is empty. */
export function pagesOf<T extends { readonly id: number }>(read: ReadPage<T>): AsyncGenerator<readonly T[]>;
export function pagesOf<T>(read: ReadPage<T>, cursorOf: CursorOf<T>): AsyncGenerator<readonly T[]>;
export async function* pagesOf<T>(read: ReadPage<T>, cursorOf: CursorOf<T> = idOf as unknown as CursorOf<T>): AsyncGenerator<readonly T[]> {
  for (let after = 0; ; ) {
    const page = await read({ after, limit: CLIENT_LIMITS.pageRows });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < CLIENT_LIMITS.pageRows) return;
    after = cursorOf(last);
  }
}

/** All rows of a list. */
export function allRows<T extends { readonly id: number }>(read: ReadPage<T>): Promise<readonly T[]>;
export function allRows<T>(read: ReadPage<T>, cursorOf: CursorOf<T>): Promise<readonly T[]>;
export async function allRows<T>(read: ReadPage<T>, cursorOf: CursorOf<T> = idOf as unknown as CursorOf<T>): Promise<readonly T[]> {
  const rows: T[] = [];
  for await (const page of pagesOf(read, cursorOf)) rows.push(...page);
  return rows;
}
