import { cliErrors } from "../errors.ts";

/** @throws GridError cli.bad_argument */
export function parseId<T extends number>(text: string, what: string): T {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is not a ${what}: a positive whole number is wanted.` });
  return Number(text) as T;
}

const PAGE_ROWS = 500;

/** Reads every page of a list, by ascending id. */
export async function allPages<T extends { readonly id: number }>(read: (page: { readonly after: number; readonly limit: number }) => Promise<readonly T[]>): Promise<readonly T[]> {
  const rows: T[] = [];
  for (let after = 0; ; after = rows.at(-1)?.id ?? 0) {
    const page = await read({ after, limit: PAGE_ROWS });
    rows.push(...page);
    if (page.length < PAGE_ROWS) return rows;
  }
}

/** @throws GridError cli.not_found */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw cliErrors.fail("cli.not_found", { message: `There is no ${what}.` });
  return value;
}
