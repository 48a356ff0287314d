/** Every error code of this room, for docs/errors.md and its test. */
import { binaryErrors } from "./engines/cometbft/binary.ts";
import { runtimeErrors } from "./errors.ts";
import { chainErrors } from "./light/errors.ts";
import { stateErrors } from "./state/errors.ts";

export const tfchainErrors = { catalogue: { ...runtimeErrors.catalogue, ...chainErrors.catalogue, ...stateErrors.catalogue, ...binaryErrors.catalogue } } as const;
