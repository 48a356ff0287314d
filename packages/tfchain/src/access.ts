/** How a program's configuration names a chain: where it is reached, and what is believed of it without asking. */
import { type Infer, s } from "@tfgrid/primitives";
import { chainTrust } from "./light/trust.ts";

const url = s.text({ minLength: 8, maxLength: 2_048, pattern: /^https?:\/\/[^\s]+$/ });

export const chainAccess = s.struct({
  /** Servers of one chain: the first is asked first, the others when it fails. */
  urls: s.list(url, { min: 1, max: 16 }),
  trust: chainTrust,
  /** Further servers, of other operators: each new header is compared with theirs, and a fork stops the program. */
  witnesses: s.optional(s.list(url, { min: 1, max: 8 })),
});
export type ChainAccess = Infer<typeof chainAccess>;
