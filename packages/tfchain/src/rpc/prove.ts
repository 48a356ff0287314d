/** `state.get` of an earlier height: a value with its way to the header that proves it. */
import { bytesToHex } from "@tfgrid/primitives";
import type { Engine } from "../engines/engine.ts";
import { chainErrors } from "../light/errors.ts";
import type { ProvenValue } from "../light/proven.ts";
import { factsOf } from "../light/signed-header.ts";

/** @throws GridError chain.height_unknown, chain.height_pruned, chain.state_pruned */
export function proveStateAt(engine: Engine, key: string, height: number): ProvenValue {
  const newest = factsOf(engine.signedHeader());
  if (height > newest.stateHeight) {
    throw chainErrors.fail("chain.height_unknown", {
      message: `No signed header proves the state of height ${height} yet; the newest proven one is ${newest.stateHeight}.`,
      details: { height, provenHeight: newest.stateHeight },
    });
  }
  // With CometBFT a state is proven by the header after it, with solo by its own.
  const { signedHeader } = engine.block(height + newest.height - newest.stateHeight);
  const { value, proof } = engine.state.proveAt(height, key);
  return { value: value === undefined ? null : bytesToHex(value), height: height as ProvenValue["height"], proof, signedHeader };
}
