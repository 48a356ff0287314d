/** Every error code of this room, for docs/errors.md and its test. */
import { binaryErrors } from "./engines/cometbft/binary.ts";
import { cometErrors } from "./engines/cometbft/errors.ts";
import { runtimeErrors } from "./errors.ts";
import { chainErrors } from "./light/errors.ts";
import { stateErrors } from "./state/errors.ts";

export const tfchainErrors = { catalogue: { ...runtimeErrors.catalogue, ...chainErrors.catalogue, ...stateErrors.catalogue, ...binaryErrors.catalogue, ...cometErrors.catalogue } } as const;
