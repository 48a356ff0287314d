/** `chain`: servers of a ledger of your own, without the rest of the local grid. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type AccountId, systemClock, systemEntropy } from "@tfgrid/primitives";
import { PACES, ensureCometBft, newChain } from "@tfgrid/tfchain";
import { type InitResult, initChain } from "../chain/init.ts";
import { ENGINES, type EngineKind, MAX_FOLDERS, parseGrant, planServers } from "../chain/plan.ts";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import type { Action } from "./index.ts";

interface InitFlags {
  readonly engine: EngineKind;
  readonly home: string;
  readonly validators: number;
  readonly hosts: string;
  readonly rpcPort: number;
  readonly p2pPort: number;
  readonly chainId?: string;
  readonly preset: "local" | "main";
  readonly pace: keyof typeof PACES;
  readonly account: readonly string[];
  readonly foundation?: AccountId;
  readonly validatorsPool?: AccountId;
}

const RPC_PORT = 8545;
const P2P_PORT = 26_656;

export function addChainCommands(program: Command, action: Action): void {
  const command = program.command("chain").description("servers of a ledger of your own: one authority, or validators that agree with CometBFT");
  addInit(command, action);
  command
    .command("start")
    .description("run the server of a folder until interrupted")
    .option("--home <folder>", "folder of the server", "chain")
    .action(action((context, options: { readonly home: string }) => startServer(context, resolve(options.home))));
}

function addInit(command: Command, action: Action): void {
  command
    .command("init")
    .description("make keys, genesis and a folder for each server of a new chain")
    .addOption(new Option("--engine <engine>", "who orders blocks").choices(ENGINES).default("cometbft"))
    .option("--home <folder>", "where the folders are made; must be empty", "chain")
    .option("--validators <count>", "folders to make, one for each validator", countOf(MAX_FOLDERS, "validators"), 1)
    .option("--hosts <addresses>", "address where servers listen and reach each other: one for all, or one each, with commas", "127.0.0.1")
    .option("--rpc-port <port>", "of the first server", countOf(65_535, "port"), RPC_PORT)
    .option("--p2p-port <port>", "of the first server, for other validators", countOf(65_535, "port"), P2P_PORT)
    .option("--chain-id <name>", "default: a new name")
    .addOption(new Option("--preset <preset>", "numbers of the ledger: `local` lets hours pass in seconds").choices(["local", "main"]).default("main"))
    .addOption(new Option("--pace <pace>", "waiting times between validators: one room, or the Internet").choices(Object.keys(PACES)).default("local"))
    .option("--account <account=tft>", "who owns the first TFT (repeat); without it a wallet is made", (text: string, all: readonly string[]) => [...all, text], [])
    .option("--foundation <account>", "receives its share of all bills; without it a key is made", accountOf)
    .option("--validators-pool <account>", "receives fees; without it a key is made", accountOf)
    .action(action(init));
}

function countOf(max: number, what: string): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < 1 || count > max) throw new InvalidArgumentError(`1 to ${max} ${what}.`);
    return count;
  };
}

function accountOf(text: string): AccountId {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError("An account is 64 hex digits.");
  return text as AccountId;
}

async function init(context: Context, flags: InitFlags): Promise<void> {
  const { engine, validators, rpcPort, p2pPort, preset, pace, foundation, validatorsPool } = flags;
  const servers = planServers({ validators, hosts: flags.hosts.split(",").map((host) => host.trim()), rpcPort, p2pPort });
  const result = initChain({
    home: resolve(flags.home),
    engine,
    servers,
    chainId: flags.chainId ?? `chain-${randomBytes(4).toString("hex")}`,
    preset,
    pace,
    grants: flags.account.map(parseGrant),
    foundation,
    validatorsPool,
    entropy: systemEntropy,
    nowMs: systemClock.nowMs(),
  });
  context.printer.result(result, () => initLines(result).join("\n"));
}

function initLines({ chainId, servers, wallets }: InitResult): readonly string[] {
  return [
    `chain ${chainId}`,
    "",
    ...servers.map(({ folder, rpc, validator }) => `  ${folder}  ${rpc}  validator ${validator}`),
    "",
    ...wallets.map(({ role, account, file }) => `  ${role.padEnd(15)} ${account}  ${file}`),
    ...(wallets.length > 0 ? ["  Keep these files: nobody can restore them.", ""] : []),
    "start each on its machine:",
    ...servers.map(({ folder }) => `  tfgrid chain start --home ${folder}`),
  ];
}

const MAIN = fileURLToPath(new URL("../../../tfchain/src/main.ts", import.meta.url));

/** The ledger's own program with this terminal: it prints one line when it serves, and its log to standard error. */
async function startServer(context: Context, home: string): Promise<void> {
  const configFile = join(home, newChain.CONFIG_FILE);
  if (!existsSync(configFile)) throw cliErrors.fail("cli.no_such_file", { message: `There is no ${newChain.CONFIG_FILE} in ${home}: make it with \`tfgrid chain init\` or \`tfgrid chain join\`.` });
  if (newChain.needsCometBft(home)) await ensureCometBft({ note: context.printer.progress, signal: context.signal });
  const child = spawn(process.execPath, [MAIN, "--config", configFile], { stdio: ["ignore", "inherit", "inherit"], detached: true });
  // Of a group of its own: Ctrl-C comes to it through us, once, and it ends its cometbft in order.
  context.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  if (context.signal.aborted) child.kill("SIGTERM");
  const how = await new Promise<string>((done, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => done(code === 0 ? "" : `ended with ${code ?? signal}`));
  });
  if (how !== "") throw cliErrors.fail("cli.program_failed", { message: `The chain's server ${how}; its own words are above.` });
}
