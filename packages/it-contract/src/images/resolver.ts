/** From an image reference to the digest that the contract fixes. */
export interface ImageResolver {
  /** `sha256:...` of the manifest or index. @throws GridError it_contract.image_not_found, image_denied, registry_unreachable, image_tool_failed */
  resolve(reference: string, options: { readonly signal: AbortSignal }): Promise<string>;
}

/** Known answers: for tests, and for files whose images were resolved before. */
export function fixedImageResolver(digests: Readonly<Record<string, string>>, notFound: (reference: string) => Error): ImageResolver {
  return {
    resolve: (reference) => {
      const digest = Object.hasOwn(digests, reference) ? digests[reference] : undefined;
      return digest === undefined ? Promise.reject(notFound(reference)) : Promise.resolve(digest);
    },
  };
}

/** The digest that a reference carries itself. */
export function pinnedDigest(reference: string): string | undefined {
  return /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
}
