/** A thread that checks signatures: one packed batch in, one byte for each signature out, in order. */
import { parentPort } from "node:worker_threads";
import { verifyBytes } from "@tfgrid/primitives";
import { loadLibsodium } from "./libsodium.ts";
import { unpackSigned } from "./verify-batch.ts";

const options = { native: true, first: loadLibsodium() };

parentPort?.on("message", (packed: Uint8Array) => {
  const verdicts = Uint8Array.from(unpackSigned(packed), (item) => (verifyBytes(item, options) ? 1 : 0));
  parentPort?.postMessage(verdicts, [verdicts.buffer]);
});
