/** What a twin's holder may do with it: a new key, another holder, the terms, its end. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { type KeyPair, type TwinId, encode, keyPairFromSeed, seedOfMnemonic, systemClock } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { found, parseId } from "./arguments.ts";
import type { Action } from "./index.ts";
import { facts, isoTime, parseAccount, send, sendAs } from "./ledger.ts";

/** Long enough for a slow block, short enough that a leaked proof is soon worth nothing. */
const PROOF_LIFE_MS = 10 * 60_000;

export function addTwinKeyCommands(twin: Command, action: Action): void {
  twin
    .command("rotate")
    .argument("<file>", "the new key's words (see `tfgrid wallet new --output FILE`)")
    .description("give your twin a new key: balance, deposits and all that it owns go with it")
    .action(action(rotate));
  twin.command("offer").argument("<account>", "account without a twin, or `nobody` to withdraw").description("offer your twin to the holder of another key").action(action(offer));
  twin.command("accept").argument("<twin>", "twin id; it was offered to your key").description("take over a twin with what it owns").action(action(accept));
  twin.command("terms").option("--accept", "accept the version in force").description("the terms in force, and what you accepted").action(action(terms));
  twin
    .command("close")
    .option("--yes", "it cannot be undone")
    .description("end your twin, when nothing depends on it any more")
    .action(action(close));
}

function readKey(file: string): KeyPair {
  try {
    return keyPairFromSeed(seedOfMnemonic(readFileSync(file, "utf8")));
  } catch (cause) {
    if (!(cause instanceof Error) || !("code" in cause) || String(cause.code).startsWith("keys.")) throw cause;
    throw cliErrors.fail("cli.no_such_file", { message: `There is no readable mnemonic at ${file}.`, cause });
  }
}

/** The new key signs too: nobody can be given a twin that he does not want. */
async function rotate(context: Context, file: string): Promise<void> {
  const next = readKey(file);
  const { keyPair, twinId } = await context.identity();
  const { chainId } = await context.chain().head();
  const body = { chainId, twinId, account: next.account, expiresAtMs: systemClock.nowMs() + PROOF_LIFE_MS };
  const proof = next.sign("tfgrid/rotate-key/v1", encode(chain.keyRotationBody, body));
  const { account, expiresAtMs } = body;
  await sendAs(context, keyPair, {
    calls: [{ type: "twins.rotate_key", account, encryptionKey: next.encryptionKey, expiresAtMs, proof }],
    say: () => `twin ${twinId} has a new key; sign with --mnemonic-file ${file} from now on`,
    facts: () => ({ twinId, account }),
  });
}

async function offer(context: Context, to: string): Promise<void> {
  const { twinId, keyPair } = await context.identity();
  const account = to === "nobody" ? null : parseAccount(to);
  const said = account === null ? "is no longer offered" : `is offered to ${account}: its holder takes it with \`tfgrid twin accept ${twinId}\``;
  await sendAs(context, keyPair, { calls: [{ type: "twins.offer", to: account }], say: () => `twin ${twinId} ${said}` });
}

async function accept(context: Context, id: string): Promise<void> {
  const keyPair = context.keyPair();
  const relays = context.relays();
  const calls = [{ type: "twins.accept" as const, twinId: parseId<TwinId>(id, "twin id"), relays, encryptionKey: keyPair.encryptionKey }];
  await sendAs(context, keyPair, { calls, say: () => `twin ${id} is yours` });
}

async function terms(context: Context, options: { readonly accept?: boolean }): Promise<void> {
  const { terms: inForce } = await context.chain().charter();
  if (options.accept === true) {
    const { version } = found(inForce ?? undefined, "version of terms in force");
    return send(context, { calls: [{ type: "twins.accept_terms", version }], say: () => `you accepted version ${version} of the terms` });
  }
  const { twinId } = await context.identity();
  const accepted = await context.chain().acceptedTerms(twinId);
  context.printer.result({ inForce, accepted: accepted ?? null }, () =>
    facts({
      "in force": inForce === null ? "none: nothing need be accepted" : `version ${inForce.version}, document ${inForce.document}`,
      accepted: accepted === undefined ? "none" : `version ${accepted.version}, ${isoTime(accepted.atMs)}`,
      next: inForce !== null && accepted?.version !== inForce.version ? "read the document, then: tfgrid twin terms --accept" : undefined,
    }),
  );
}

async function close(context: Context, options: { readonly yes?: boolean }): Promise<void> {
  const { twinId, keyPair } = await context.identity();
  if (options.yes !== true) throw cliErrors.fail("cli.not_confirmed", { message: `Twin ${twinId} would end for ever.`, details: { twinId } });
  await sendAs(context, keyPair, { calls: [{ type: "twins.close" }], say: () => `twin ${twinId} is closed; what is left of its balance stays with its account` });
}
