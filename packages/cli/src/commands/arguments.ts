import { cliErrors } from "../errors.ts";

/** @throws GridError cli.bad_argument */
export function parseId<T extends number>(text: string, what: string): T {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw cliErrors.fail("cli.bad_argument", { message: `"${text}" is not ${/^[aeiou]/.test(what) ? "an" : "a"} ${what}: a positive whole number is wanted.` });
  return Number(text) as T;
}

/** @throws GridError cli.not_found */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw cliErrors.fail("cli.not_found", { message: `There is no ${what}.` });
  return value;
}
