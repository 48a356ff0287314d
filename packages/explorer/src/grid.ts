/** What a browser needs beside this API to take part: where ledger and notary are, and how to trust them. */
import { type Infer, s } from "@tfgrid/primitives";
import { chainAccess } from "@tfgrid/tfchain";

const url = s.text({ minLength: 1, maxLength: 2048, pattern: /^https?:\/\// });

export const publicGrid = s.struct({
  chain: chainAccess,
  notary: s.list(url, { min: 1, max: 16 }),
  /** Addresses of solutions are NAME.DOMAIN; `http` and `https` are where they are reached from the user's device. */
  gateway: s.optional(s.struct({ domain: s.text({ minLength: 1, maxLength: 253 }), http: s.optional(url), https: s.optional(url) })),
  /** Registry host for images of users of this grid. */
  registry: s.optional(s.text({ minLength: 1, maxLength: 255 })),
  /** The agent for files that name none. */
  agentTwinId: s.optional(s.uint({ min: 1 })),
});
export type PublicGrid = Infer<typeof publicGrid>;

/** Digest of an image reference: browsers cannot ask registries themselves (no CORS). The caller passes one in. */
export interface ImageLookup {
  /** @throws GridError when the registry does not know the image or cannot be reached */
  resolve(reference: string, options: { readonly signal: AbortSignal }): Promise<string>;
}
