/** A thread that checks signatures: one packed batch in, one byte for each signature out, in order. */
import { parentPort } from "node:worker_threads";
import { unpackSigned } from "./verify-batch.ts";
import { verifySigned } from "./verify-key.ts";

parentPort?.on("message", (packed: Uint8Array) => {
  const verdicts = Uint8Array.from(unpackSigned(packed), (item) => (verifySigned(item) ? 1 : 0));
  parentPort?.postMessage(verdicts, [verdicts.buffer]);
});
