/** Which engine orders the blocks of a local grid: chosen when its chain begins, and then part of what that chain is. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Infer, s } from "@tfgrid/primitives";
import { cliErrors } from "../errors.ts";
import { MAX_VALIDATORS } from "./layout.ts";
import { readJson, writeJson } from "./state-files.ts";

const chainChoice = s.struct({
  /** 0: one authority (`solo`); otherwise validators of CometBFT. */
  validators: s.uint({ max: MAX_VALIDATORS }),
  /** Time of the genesis, which every validator must name alike. */
  genesisTimeMs: s.uint(),
});
export type ChainChoice = Infer<typeof chainChoice>;

const choiceFile = (stateDir: string): string => join(resolve(stateDir), "chain.json");

/** What the chain of this state folder was begun with; undefined before its first start. @throws GridError cli.damaged_state */
export function keptChoice(stateDir: string): ChainChoice | undefined {
  const kept = readJson(choiceFile(stateDir));
  if (kept !== undefined) return parse(kept, choiceFile(stateDir));
  // Made before there was a choice: one authority.
  return existsSync(join(resolve(stateDir), "genesis.json")) ? { validators: 0, genesisTimeMs: 0 } : undefined;
}

function parse(kept: unknown, path: string): ChainChoice {
  try {
    return chainChoice.fromJson(kept);
  } catch (cause) {
    throw cliErrors.fail("cli.damaged_state", { message: `${path} does not say what it should.`, details: { path }, cause });
  }
}

/** Validators of the grid on this state folder: what is wanted when it begins, what it began with otherwise. @throws GridError cli.other_engine */
export function validatorsOf(stateDir: string, wanted: number | undefined): number {
  const kept = keptChoice(stateDir);
  if (kept === undefined) return wanted ?? 0;
  if (wanted === undefined || wanted === kept.validators) return kept.validators;
  throw cliErrors.fail("cli.other_engine", {
    message: `The chain in ${resolve(stateDir)} was begun with ${inWords(kept.validators)} and cannot go on with ${inWords(wanted)}.`,
    details: { stateDir: resolve(stateDir), validators: kept.validators, wanted },
  });
}

/** Before the chain's first start, so that an interrupted one is not continued with another engine or another genesis. */
export function keepChoice(stateDir: string, choice: ChainChoice): ChainChoice {
  const kept = keptChoice(stateDir);
  if (kept !== undefined) return kept;
  writeJson(choiceFile(stateDir), choice);
  return choice;
}

export const inWords = (validators: number): string => (validators === 0 ? "one authority" : `${validators} validators`);
