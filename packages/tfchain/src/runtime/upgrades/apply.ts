/**
 * Upgrades at a height that governance chose. A program that does not know the chosen version refuses the block at that
 * height, so it stops while its state still agrees with everybody's; nothing is ever carried out by rules half known.
 */
import { runtimeErrors } from "../../errors.ts";
import type { StateReader } from "../api.ts";
import type { Context } from "../context.ts";
import { RUNTIME_LIMITS } from "../limits.ts";
import { charterCell, readCharter } from "../policy/store.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";
import { readStateVersion, stateVersionCell } from "./store.ts";

export interface Upgrades {
  /** The newest version that this program can carry out. */
  readonly known: number;
  /** @throws GridError chain.upgrade_needed when the block at this height needs another program */
  requireSupported(state: StateReader, height: number): void;
  /** At the beginning of a block. True: a migration goes on in the next block, so this one holds nothing else. */
  advance(context: Context): boolean;
  /** A migration is under way between two blocks. */
  busy(state: StateReader): boolean;
}

/** `migrations`: a list without gaps from version 2 on. */
export function createUpgrades(migrations: readonly Migration[] = MIGRATIONS, rowsPerBlock: number = RUNTIME_LIMITS.migrationRowsPerBlock): Upgrades {
  migrations.forEach(({ to }, index) => {
    if (to !== index + 2) throw new Error(`the migration to version ${to} is not in its place`);
  });
  const known = migrations.length + 1;
  const busy = (state: StateReader): boolean => migrations.length > 0 && readStateVersion(state).step !== null;
  return {
    known,
    busy,
    requireSupported: (state, height) => requireSupported(state, height, known),
    advance: (context) => {
      begin(context, migrations);
      return busy(context.state) && carryOn(context, migrations, rowsPerBlock);
    },
  };
}

function requireSupported(state: StateReader, height: number, known: number): void {
  const { version, release, step } = readStateVersion(state);
  const current = step?.to ?? version;
  if (current > known) throw upgradeNeeded({ stateVersion: current, known, release, atHeight: height });
  const plan = readCharter(state).upgrade;
  if (plan !== null && height >= plan.atHeight && plan.stateVersion > known) throw upgradeNeeded({ ...plan, known });
}

function upgradeNeeded(need: { readonly stateVersion: number; readonly known: number; readonly release?: string | undefined; readonly atHeight: number }) {
  const { stateVersion, known, release, atHeight } = need;
  const program = release === undefined ? `a release that knows state version ${stateVersion}` : `release ${release}`;
  return runtimeErrors.fail("chain.upgrade_needed", {
    message: `From height ${atHeight} on the ledger follows state version ${stateVersion}; this program knows versions up to ${known}. Install ${program}.`,
    details: { stateVersion, knownVersion: known, release: release ?? null, atHeight },
  });
}

/** The chosen height is here: the plan becomes the first step. */
function begin({ state, block }: Context, migrations: readonly Migration[]): void {
  const plan = readCharter(state).upgrade;
  if (plan === null || block.height < plan.atHeight) return;
  const current = readStateVersion(state);
  // A migration under way goes first; its end comes back here.
  if (current.step !== null) return;
  if (plan.stateVersion <= current.version) {
    charterCell.put(state, { ...readCharter(state), upgrade: null });
    return;
  }
  const to = current.version + 1;
  const release = plan.release ?? migrations[to - 2]?.release;
  stateVersionCell.put(state, { version: current.version, ...(release === undefined ? {} : { release }), step: { to, after: null } });
}

function carryOn(context: Context, migrations: readonly Migration[], rowsPerBlock: number): boolean {
  const { state, emit } = context;
  for (;;) {
    const { step, ...current } = readStateVersion(state);
    if (step === null) return false;
    const migration = migrations[step.to - 2];
    if (migration === undefined) throw new Error(`the migration to version ${step.to} is missing`);
    const after = migration.step(context, step.after, rowsPerBlock);
    if (after !== undefined) {
      stateVersionCell.put(state, { ...current, step: { to: step.to, after } });
      return true;
    }
    stateVersionCell.put(state, { ...current, version: step.to, step: null });
    emit({ type: "governance.upgraded", stateVersion: step.to });
    begin(context, migrations);
  }
}
