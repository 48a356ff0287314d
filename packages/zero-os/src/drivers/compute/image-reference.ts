import type { GridError } from "@tfgrid/primitives";
import { fail } from "./errors.ts";

/** `host:5000/a/b:tag@sha256:..` -> `host:5000/a/b`: the digest alone decides, and skopeo takes no tag beside a digest. */
export function repositoryOf(reference: string): string {
  const plain = reference.replace(/^docker:\/\//, "").split("@")[0] ?? "";
  const lastPart = plain.slice(plain.lastIndexOf("/") + 1);
  const colon = lastPart.indexOf(":");
  return colon < 0 ? plain : plain.slice(0, plain.length - lastPart.length + colon);
}

export function pinnedReference(image: { readonly reference: string; readonly digest: string }): string {
  const repository = repositoryOf(image.reference);
  if (!/^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$/i.test(repository)) {
    throw fail("compute.image_not_found", { message: `"${image.reference}" is not an image reference.`, details: { ...image } });
  }
  return `docker://${repository}@${image.digest}`;
}

const SIGNS: readonly [RegExp, Parameters<typeof fail>[0]][] = [
  [/no space left on device/i, "compute.disk_full"],
  [
    /does not match (provided )?(manifest )?digest|digest mismatch|did not match|digest did not match|does not match.*digest/i,
    "compute.image_corrupt",
  ],
  [/no image found in (manifest list|image index)|no (child|matching) manifest|choosing (an )?image/i, "compute.image_wrong_platform"],
  [/unauthorized|authentication required|access to the resource is denied|forbidden|\b403\b/i, "compute.image_denied"],
  [/manifest unknown|name unknown|repository name not known|not found|\b404\b|blob unknown/i, "compute.image_not_found"],
  [
    /connection refused|no such host|i\/o timeout|TLS handshake|no route to host|network is unreachable|connection reset|deadline exceeded|EOF|x509|server gave HTTP response/i,
    "compute.registry_unreachable",
  ],
  [
    /unexpected end of JSON|invalid character|unsupported.*(manifest|media)|gzip: invalid|archive\/tar|invalid tar/i,
    "compute.image_corrupt",
  ],
];

/** The first matching row decides: the order goes from certain signs to vague ones. */
export function pullError(image: { readonly reference: string; readonly digest: string }, output: string): GridError {
  const message = output.trim().slice(-1000);
  // What was asked for is repeated in the answer, and a port, a name or a digest may look like a status.
  const said = [image.reference, repositoryOf(image.reference), image.digest].reduce((text, asked) => text.replaceAll(asked, ""), output);
  const code = SIGNS.find(([pattern]) => pattern.test(said))?.[1] ?? "compute.registry_failed";
  return fail(code, { details: { reference: image.reference, digest: image.digest, message } });
}
