/** `/grid` and `/images/resolve`: what the page needs to plan and deploy. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { fail } from "../errors.ts";
import { type ImageLookup, type PublicGrid, publicGrid } from "../grid.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";

export interface BrowserOptions {
  readonly grid?: PublicGrid;
  /** Anybody who reaches this server may make it ask registries: see `publicRegistriesOnly`. */
  readonly images?: ImageLookup;
}

const REFERENCE = /^[a-z0-9][A-Za-z0-9._:/@[\]-]*$/;

function referenceOf(request: FastifyRequest): string {
  const { reference } = request.query as { readonly reference?: unknown };
  if (typeof reference !== "string" || reference.length > L.maxReferenceLength || !REFERENCE.test(reference))
    throw fail("explorer.invalid_parameter", { message: '"reference": expected an image reference such as registry.example/name:tag' });
  return reference;
}

/** One counter for all paths of a server: each look-up costs a process and a connection. */
export function browserRoutes({ grid, images }: BrowserOptions): (app: FastifyInstance) => void {
  let running = 0;
  const look = async (lookup: ImageLookup, reference: string): Promise<string> => {
    if (running >= L.imageLookupsAtOnce) throw fail("explorer.too_many_lookups");
    running += 1;
    try {
      return await lookup.resolve(reference, { signal: AbortSignal.timeout(L.imageLookupMs) });
    } finally {
      running -= 1;
    }
  };
  return (app) => {
    app.get("/grid", () => {
      if (grid === undefined) throw fail("explorer.grid_not_published");
      return publicGrid.toJson(grid);
    });
    app.get("/images/resolve", async (request) => {
      const reference = referenceOf(request);
      if (images === undefined) throw fail("explorer.no_image_lookup");
      return { reference, digest: await look(images, reference) };
    });
  };
}
