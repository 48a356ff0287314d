/** What the readers of one file share. */
import type { Variables } from "./interpolate.ts";
import type { Collector } from "./problems.ts";

/** Reads a file named in the Compose file, relative to it. Rejects when it cannot. At most `maxBytes` are wanted. */
export type ReadFile = (path: string, options: { readonly maxBytes: number }) => Promise<Uint8Array>;

export interface Context extends Collector {
  readonly environment: Variables;
  readonly readFile: ReadFile;
}
