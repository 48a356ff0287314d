/** The last good instruction of every contract, on disk: what a restart without ledger and notary goes by. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Instruction } from "@tfgrid/notary";
import { type CidText, cidOf, type ContractId, type Infer, type Logger, s } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { nodeErrors } from "../errors.ts";
import { readIfPresent, syncFolder, writeDurably } from "../identity/files.ts";
import { NODE_LIMITS } from "../limits.ts";
import type { ZmachineMemory } from "../provisioning/model.ts";
import type { RunStore } from "../provisioning/memory.ts";
import { parseInstruction } from "../provisioning/instruction.ts";

export interface HeldContract {
  readonly contractId: ContractId;
  readonly version: number;
  readonly cid: CidText;
  readonly mode: "run" | "pause";
  /** Height of the ledger when it was last seen there: an older answer must not end it. */
  readonly seenHeight: number;
  readonly bytes: Uint8Array;
  readonly instruction: Instruction;
}

export interface ContractStore {
  load(): Promise<readonly HeldContract[]>;
  /** Durable when it resolves. */
  save(held: HeldContract): Promise<void>;
  remove(contractId: ContractId): Promise<void>;
}

const frame = s.struct({
  contractId: chain.contractId,
  version: s.uint({ min: 1 }),
  cid: s.cid,
  mode: s.oneOf(["run", "pause"]),
  seenHeight: s.uint(),
  bytes: s.text({ maxLength: NODE_LIMITS.stateFileBytes }),
});
type Frame = Infer<typeof frame>;

export function fileContractStore(options: { readonly dataDir: string; readonly logger: Logger }): ContractStore {
  const folder = join(options.dataDir, "contracts");
  const pathOf = (contractId: ContractId): string => join(folder, `${contractId}.json`);
  return {
    load: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const names = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name));
      const loaded = await Promise.all(names.map(async (name) => parse((await readIfPresent(join(folder, name))) ?? "", name, options.logger)));
      return loaded.filter((held) => held !== undefined);
    },
    save: async ({ contractId, version, cid, mode, seenHeight, bytes }) => {
      const value: Frame = { contractId, version, cid, mode, seenHeight, bytes: Buffer.from(bytes).toString("base64") };
      await writeDurably(pathOf(contractId), JSON.stringify(frame.toJson(value)));
    },
    remove: async (contractId) => {
      await rm(pathOf(contractId), { force: true });
      await syncFolder(folder);
    },
  };
}

/** A damaged file is reported and left out: what runs goes on, and the ledger tells again what it was. */
function parse(text: string, name: string, logger: Logger): HeldContract | undefined {
  try {
    const value = frame.fromJson(JSON.parse(text));
    const bytes = new Uint8Array(Buffer.from(value.bytes, "base64"));
    if (cidOf(bytes) !== value.cid) throw new Error("the instruction's bytes were damaged");
    return { ...value, bytes, instruction: parseInstruction(bytes, { id: value.contractId }) };
  } catch (cause) {
    logger.error("state file skipped", { file: name, error: nodeErrors.fail("node.state_corrupt", { cause }) });
    return undefined;
  }
}

const health = s.struct({
  runMs: s.uint(),
  state: s.oneOf(["starting", "healthy", "unhealthy"]),
  failures: s.uint(),
  probes: s.uint(),
  nextProbeMs: s.uint(),
  output: s.text({ maxLength: 300 }),
});
const runs = s.record(
  s.struct({
    restarts: s.uint(),
    attempts: s.uint(),
    halt: s.optional(s.struct({ runMs: s.uint(), reason: s.oneOf(["paused", "unhealthy", "replaced", "removed"]) })),
    exit: s.optional(s.struct({ runMs: s.uint(), seenMs: s.uint() })),
    health: s.optional(health),
  }),
  { max: 100_000, key: s.text({ maxLength: 128 }) },
);

export function fileRunStore(options: { readonly dataDir: string; readonly logger: Logger }): RunStore {
  const path = join(options.dataDir, "runs.json");
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let latest: ReadonlyMap<string, ZmachineMemory> = new Map();
  const write = async (): Promise<void> => {
    next = undefined;
    await writeDurably(path, JSON.stringify(runs.toJson(Object.fromEntries(latest))));
  };
  return {
    load: async () => {
      const text = await readIfPresent(path);
      if (text === undefined) return new Map();
      try {
        return new Map(Object.entries(runs.fromJson(JSON.parse(text))));
      } catch (cause) {
        options.logger.error("state file skipped", { file: "runs.json", error: nodeErrors.fail("node.state_corrupt", { cause }) });
        return new Map();
      }
    },
    // Calls during a write share the next one: it writes what is true then.
    save: (zmachines) => {
      latest = zmachines;
      if (next !== undefined) return next;
      const started = writing.catch(() => undefined).then(write);
      next = started;
      writing = started;
      return started;
    },
  };
}
