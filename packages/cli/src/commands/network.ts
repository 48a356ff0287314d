/** `network`: bring a device of yours into a private network of a solution, with any WireGuard app. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { bytesToHex, messageOf, systemEntropy } from "@tfgrid/primitives";
import { type JoinKeys, joinConfig, newJoinKeys } from "@tfgrid/peer-network";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { findSolution } from "../solution/submit.ts";
import type { Action } from "./index.ts";

interface JoinOptions {
  readonly network: string;
  readonly device: string;
  readonly output?: string;
}

export function addNetworkCommands(program: Command, action: Action): void {
  const network = program.command("network").description("private networks of solutions");
  network
    .command("join")
    .argument("<solution>", "name or id")
    .option("--network <name>", "which of its networks", "default")
    .option("--device <name>", "name of this device in the network", "laptop")
    .option("--output <file>", "write the configuration there (mode 0600) instead of printing it")
    .description("print a WireGuard configuration for a device of yours")
    .action(action(join));
  network.command("leave").argument("<solution>", "name or id").option("--device <name>", "name of the device", "laptop").description("remove a device from a solution's networks").action(action(leave));
}

async function join(context: Context, name: string, options: JoinOptions): Promise<void> {
  const { keyPair } = await context.identity();
  const solution = await findSolution(context, name);
  // Before the ledger knows the device: its private key exists in this file only.
  if (options.output !== undefined) writePrivate(options.output, "", "a");
  const keys: JoinKeys = newJoinKeys(systemEntropy);
  await context.chain().submit(keyPair, [{ type: "solutions.add_member", solutionId: solution.id, name: options.device, network: options.network, publicKey: bytesToHex(keys.publicKey) }], { signal: context.signal });
  const config = await joinConfig({ chain: { nodes: (page) => context.chain().nodes(page), ...context.chain().proven }, solutionId: solution.id, device: options.device, privateKey: keys.privateKey });
  if (options.output !== undefined) writePrivate(options.output, config);
  context.printer.result({ solutionId: solution.id, device: options.device, config }, () => (options.output === undefined ? config : `written to ${options.output}; start it with: wg-quick up ${options.output}`));
}

/** @throws GridError cli.cannot_write */
function writePrivate(file: string, text: string, flag: "w" | "a" = "w"): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag });
  } catch (cause) {
    throw cliErrors.fail("cli.cannot_write", { message: `${file} cannot be written: ${messageOf(cause)}.`, cause });
  }
}

async function leave(context: Context, name: string, options: { readonly device: string }): Promise<void> {
  const { keyPair } = await context.identity();
  const solution = await findSolution(context, name);
  const receipt = await context.chain().submit(keyPair, [{ type: "solutions.remove_member", solutionId: solution.id, name: options.device }], { signal: context.signal });
  context.printer.result(receipt, () => `${options.device} is no longer part of "${solution.name}"`);
}
