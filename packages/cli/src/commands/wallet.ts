/** `wallet`: a key of your own, its balance, and sending TFT. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { formatTft, generateKeyPair, mnemonicOf, systemEntropy } from "@tfgrid/primitives";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import type { Action } from "./index.ts";
import { accountOf, parseAmount, send } from "./ledger.ts";
import { walletHistory } from "./wallet-history.ts";

export function addWalletCommands(program: Command, action: Action): void {
  const wallet = program.command("wallet").description("TFT: a key of your own, balance and transfers");
  wallet.command("show", { isDefault: true }).description("balance of your account").action(action(show));
  wallet
    .command("new")
    .option("--output <file>", "write the words there (mode 0600, never over an existing file) instead of printing them")
    .description("make a new key: 24 words that are the wallet; works without a grid")
    .action(action(makeWallet));
  wallet
    .command("history")
    .option("--from <height>", "first height looked at; the newest 20,000 blocks when omitted")
    .option("--limit <count>", "newest entries shown", "100")
    .description("what moved TFT to and from your account")
    .action(action(walletHistory));
  wallet.command("transfer").argument("<to>", "account, or a twin id").argument("<tft>", "amount in TFT, for example 12.5").description("send TFT").action(action(transfer));
  wallet.command("burn").argument("<tft>", "amount in TFT, for example 12.5").option("--yes", "do it").description("destroy TFT of yours for ever").action(action(burn));
}

async function show(context: Context): Promise<void> {
  const keyPair = context.keyPair();
  const chain = context.chain();
  const [account, twin] = await Promise.all([chain.account(keyPair.account), chain.twinByAccount(keyPair.account)]);
  const lines = (): string => `twin     ${twin?.id ?? "none yet: register with `tfgrid twin create`"}\naccount  ${account.id}\nfree     ${formatTft(account.freeUnits)} TFT\nheld     ${formatTft(account.heldUnits)} TFT (deposits of your contracts)`;
  context.printer.result({ twinId: twin?.id ?? null, ...account }, lines);
}

async function makeWallet(context: Context, options: { readonly output?: string }): Promise<void> {
  const made = generateKeyPair(systemEntropy);
  const mnemonic = mnemonicOf(made.secretSeed);
  const { account } = made;
  if (options.output === undefined) {
    const advice = "Keep these words: whoever has them has the wallet, and nobody can restore them.";
    return context.printer.result({ account, mnemonic }, () => `account  ${account}\n\n${mnemonic}\n\n${advice}`);
  }
  const file = options.output;
  writeNewSecret(file, `${mnemonic}\n`);
  context.printer.result({ account, file }, () => `account  ${account}\nwords    ${file} (mode 0600; keep a copy, nobody can restore them)\nnext     have TFT sent to the account, then: tfgrid --mnemonic-file ${file} twin create`);
}

/** `wx`: an existing file may hold the only copy of another wallet. @throws GridError cli.cannot_write */
function writeNewSecret(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "EEXIST" ? "it exists already and is not overwritten" : (cause as Error).message;
    throw cliErrors.fail("cli.cannot_write", { message: `${file} cannot be written: ${why}.`, cause });
  }
}

async function transfer(context: Context, to: string, amount: string): Promise<void> {
  const amountUnits = parseAmount(amount);
  const account = await accountOf(context.chain(), to);
  const receipt = await context.chain().submit(context.keyPair(), [{ type: "accounts.transfer", to: account, amountUnits }], { signal: context.signal });
  context.printer.result(receipt, () => `sent ${formatTft(amountUnits)} TFT to ${account} (fee ${formatTft(receipt.feeUnits)} TFT)`);
}

async function burn(context: Context, amount: string, options: { readonly yes?: boolean }): Promise<void> {
  const amountUnits = parseAmount(amount);
  if (options.yes !== true) throw cliErrors.fail("cli.not_confirmed", { message: `${formatTft(amountUnits)} TFT would be gone for ever; --yes burns them.` });
  await send(context, { calls: [{ type: "accounts.burn", amountUnits }], say: () => `${formatTft(amountUnits)} TFT are gone for ever` });
}
