/** A result as JSON: stored with its block and sent to its sender, and made once for both. */
import { type TxResult, txResult } from "./engine.ts";

const texts = new WeakMap<TxResult, string>();

export function resultText(result: TxResult): string {
  const known = texts.get(result);
  if (known !== undefined) return known;
  const text = JSON.stringify(txResult.toJson(result));
  texts.set(result, text);
  return text;
}
