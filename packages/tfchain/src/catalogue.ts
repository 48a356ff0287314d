/** Every error code of this room, for docs/errors.md and its test. */
import { runtimeErrors } from "./errors.ts";
import { chainErrors } from "./light/errors.ts";

export const tfchainErrors = { catalogue: { ...runtimeErrors.catalogue, ...chainErrors.catalogue } } as const;
