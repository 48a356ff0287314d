/** What the node keeps about a zmachine on disk; everything else is asked of the kernel. */
import { readdir } from "node:fs/promises";
import { type ContractId, hasCode, type Infer, s } from "@tfgrid/primitives";
import { isAbsent, readIfExists, writeAtomic } from "./files.ts";

const text = s.text({ maxLength: 4096 });

const recordSchema = s.struct({
  key: s.text({ minLength: 1, maxLength: 128 }),
  contractId: s.uint(),
  specHash: text,
  imageDigest: text,
  netnsPath: text,
  /** Where health tests connect to. */
  address: text,
  stopSignal: text,
  hostIdBase: s.uint(),
  startedAtMs: s.uint(),
  restarts: s.uint(),
  /** `starting` and `removing` tell the next run that this one was interrupted. */
  phase: s.oneOf(["starting", "running", "removing"]),
});
export type ZmachineRecord = Infer<typeof recordSchema>;

/** Keys become file, control group and runtime names. */
export const KEY_PATTERN = /^[a-z0-9][a-z0-9._-]{0,99}$/;

/** Undefined when there is none, or when a power cut destroyed it: nothing of that zmachine runs any more, it begins anew. */
export async function readRecord(folder: string): Promise<ZmachineRecord | undefined> {
  const json = await readIfExists(`${folder}/zmachine.json`);
  if (json === undefined) return undefined;
  try {
    return recordSchema.fromJson(JSON.parse(json));
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, "codec.invalid_value")) return undefined;
    throw error;
  }
}

export async function writeRecord(folder: string, record: ZmachineRecord): Promise<void> {
  await writeAtomic(`${folder}/zmachine.json`, JSON.stringify(recordSchema.toJson(record)));
}

export function contractOf(record: ZmachineRecord): ContractId {
  return record.contractId as ContractId;
}

export async function listFolders(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
