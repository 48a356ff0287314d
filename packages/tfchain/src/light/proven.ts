/** A state value with its way to a signed header. */
import { type Infer, bytesToHex, s } from "@tfgrid/primitives";
import { height } from "../types/entities.ts";
import { chainErrors } from "./errors.ts";
import { keyHashOf, stateProof, verifyStateProof } from "./merkle.ts";
import { factsOf, signedHeader } from "./signed-header.ts";

/** Answer of `state.get`: value (hex) of a key after block `height`, its proof, and the header whose `appHash` the proof meets. */
export const provenValue = s.struct({
  value: s.nullable(s.hex({ maxLength: 16 * 1024 * 1024 })),
  /** The block that the value is of: the header's own with `solo`, the one before it with `cometbft`. */
  height,
  proof: stateProof,
  signedHeader,
});
export type ProvenValue = Infer<typeof provenValue>;

/**
 * That the answer is the value of this key under its own header. Whether that header is the chain's is the light client's to say.
 * @throws GridError light.wrong_height, light.wrong_key, light.bad_proof
 */
export function verifyProvenValue(options: { readonly key: string; readonly value: Uint8Array | undefined; readonly answer: ProvenValue }): void {
  const { key, value, answer } = options;
  const { appHash, stateHeight } = factsOf(answer.signedHeader);
  if (answer.height !== stateHeight) {
    throw chainErrors.fail("light.wrong_height", {
      message: `The server names height ${answer.height}, but its header proves the state of height ${stateHeight}.`,
      details: { key, height: answer.height, provenHeight: stateHeight },
    });
  }
  const { leaf } = answer.proof;
  if (value !== undefined && leaf !== null && leaf.keyHash !== bytesToHex(keyHashOf(key))) {
    throw chainErrors.fail("light.wrong_key", { details: { key, height: answer.height, provenKeyHash: leaf.keyHash } });
  }
  if (!verifyStateProof({ root: appHash, key, value, proof: answer.proof })) {
    throw chainErrors.fail("light.bad_proof", { details: { key, height: answer.height } });
  }
}
