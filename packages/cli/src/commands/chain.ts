/** `chain`: servers of a ledger of your own, without the rest of the local grid. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join as joinPath, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type AccountId, GridError, type Height, type Hex, type WireError, systemClock, systemEntropy } from "@tfgrid/primitives";
import { PACES, ensureCometBft, newChain } from "@tfgrid/tfchain";
import { type InitResult, initChain } from "../chain/init.ts";
import { type JoinResult, joinChain } from "../chain/join.ts";
import { ENGINES, type EngineKind, MAX_FOLDERS, parseGrant, planServers } from "../chain/plan.ts";
import { serverStates, serverTable } from "../chain/status.ts";
import type { Context } from "../context.ts";
import { exportTo, readExport } from "../chain/export.ts";
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
  readonly from?: string;
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
  addJoin(command, action);
  command
    .command("status")
    .description("how each server of a chain fares: of --access, of --rpc, or of the local grid")
    .option("--rpc <urls>", "servers to ask, with commas")
    .action(action(showStatus));
  addExport(command, action);
}

function addExport(command: Command, action: Action): void {
  command
    .command("export")
    .description("write all that the ledger of a stopped server holds to a file, from which `chain init --from` begins another chain")
    .option("--home <folder>", "folder of the server", "chain")
    .option("--out <file>", "new file", "genesis-export.json")
    .option("--chain-id <name>", "name of the new chain; with the old one, it takes what was signed for the old one")
    .action(
      action(async (context, flags: { readonly home: string; readonly out: string; readonly chainId?: string }) => {
        const result = await exportTo({ home: resolve(flags.home), out: resolve(flags.out), chainId: flags.chainId });
        const { file, chainId, height, rows } = result;
        context.printer.result(result, () => `${rows} rows after height ${height} for chain ${chainId}: ${file}`);
      }),
    );
}

function addJoin(command: Command, action: Action): void {
  withAddress(
    command
      .command("join")
      .description("make a folder for a server of a chain that runs elsewhere: it follows the others, and governance can make it a validator")
      .option("--rpc <urls>", "RPC of servers of the chain, with commas; instead: --access")
      .option("--trust <height:hash>", "a block that somebody trustworthy named; without it, the validators of the genesis are believed", blockOf)
      .option("--genesis-hash <hash>", "known from elsewhere; another genesis is refused", hashOf)
      .option("--from-genesis", "carry out all blocks anew instead of beginning with a snapshot"),
  )
    .option("--host <address>", "where this server listens and is reached", "127.0.0.1")
    .action(action(join));
}

/** Options of both ways to a folder. */
function withAddress(command: Command): Command {
  return command
    .option("--home <folder>", "where the folder is made; must be empty", "chain")
    .option("--rpc-port <port>", "of the (first) server", countOf(65_535, "port"), RPC_PORT)
    .option("--p2p-port <port>", "of the (first) server, for other servers", countOf(65_535, "port"), P2P_PORT)
    .addOption(new Option("--pace <pace>", "waiting times between validators, the same for all: one room, or the Internet").choices(Object.keys(PACES)).default("local"));
}

function addInit(command: Command, action: Action): void {
  withAddress(command.command("init").description("make keys, genesis and a folder for each server of a new chain"))
    .addOption(new Option("--engine <engine>", "who orders blocks").choices(ENGINES).default("cometbft"))
    .option("--validators <count>", "folders to make, one for each validator", countOf(MAX_FOLDERS, "validators"), 1)
    .option("--hosts <addresses>", "address where servers listen and reach each other: one for all, or one each, with commas", "127.0.0.1")
    .option("--chain-id <name>", "default: a new name")
    .addOption(new Option("--preset <preset>", "numbers of the ledger: `local` lets hours pass in seconds").choices(["local", "main"]).default("main"))
    .option("--from <file>", "go on with what another chain held (`chain export`): same accounts, ids and numbers, next height")
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
  const servers = planServers({ validators, hosts: listOf(flags.hosts), rpcPort, p2pPort });
  const from = flags.from === undefined ? undefined : readExport(resolve(flags.from));
  const result = initChain({
    home: resolve(flags.home),
    engine,
    servers,
    chainId: flags.chainId ?? from?.chainId ?? `chain-${randomBytes(4).toString("hex")}`,
    from,
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

/** `{"ready":true,"endpoints":{...}}` is the one line that the program prints. */
function sayReady(context: Context, line: string): void {
  const value = JSON.parse(line) as { readonly endpoints: { readonly rpc: string } };
  context.printer.line(value, `serves at ${value.endpoints.rpc}; Ctrl-C ends it`);
}

interface JoinFlags {
  readonly home: string;
  readonly rpc?: string;
  readonly host: string;
  readonly rpcPort: number;
  readonly p2pPort: number;
  readonly pace: keyof typeof PACES;
  readonly genesisHash?: Hex;
  readonly trust?: JoinTrust;
  readonly fromGenesis?: boolean;
}

function hashOf(text: string): Hex {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new InvalidArgumentError("A hash is 64 hex digits.");
  return text.toLowerCase() as Hex;
}

type JoinTrust = { readonly height: Height; readonly hash: Hex };

function blockOf(text: string): JoinTrust {
  const [, height, hash] = /^([1-9]\d{0,14}):([0-9a-fA-F]{64})$/.exec(text) ?? [];
  if (height === undefined || hash === undefined) throw new InvalidArgumentError("A height and a block hash of 64 hex digits, with a colon between.");
  return { height: Number(height) as Height, hash: hash.toLowerCase() as Hex };
}

async function join(context: Context, flags: JoinFlags): Promise<void> {
  const { host, rpcPort, p2pPort, pace, fromGenesis = false, genesisHash } = flags;
  const [first, ...more] = flags.rpc === undefined ? context.chainAccess().urls : urlsOf(flags.rpc);
  if (first === undefined) throw cliErrors.fail("cli.bad_argument", { message: "--rpc names no server." });
  const result = await joinChain({
    home: resolve(flags.home),
    server: { folder: "", host, rpcPort, p2pPort },
    urls: [first, ...more],
    trust: flags.trust ?? (flags.rpc === undefined ? context.chainAccess().trust : undefined),
    genesisHash,
    fromGenesis,
    pace,
    entropy: systemEntropy,
    signal: context.signal,
  });
  context.printer.result(result, () => joinLines(result).join("\n"));
}

function joinLines({ chainId, folder, rpc, validator, peers, genesisHash, beginsWithHeight }: JoinResult): readonly string[] {
  return [
    `chain ${chainId}`,
    `  genesis    ${genesisHash}  (compare it with what others of this chain see)`,
    `  begins     ${beginsWithHeight === 0 ? "with the genesis, and carries out all blocks" : `with a snapshot, compared with block ${beginsWithHeight}`}`,
    `  peers      ${peers.join("  ")}`,
    `  serves     ${rpc}`,
    `  validator  ${validator}  (what governance names to make it one)`,
    "",
    `start it: tfgrid chain start --home ${folder}`,
  ];
}

const listOf = (text: string): readonly string[] => text.split(",").map((part) => part.trim()).filter((part) => part !== "");

/** @throws GridError cli.bad_argument */
function urlsOf(text: string): readonly string[] {
  const urls = listOf(text);
  const wrong = urls.find((url) => !/^https?:$/.test(URL.parse(url)?.protocol ?? ""));
  if (wrong === undefined && urls.length > 0) return urls;
  throw cliErrors.fail("cli.bad_argument", { message: `--rpc takes addresses such as http://192.0.2.1:8545, with commas, not "${wrong ?? text}".` });
}

async function showStatus(context: Context, flags: { readonly rpc?: string }): Promise<void> {
  const states = await serverStates(flags.rpc === undefined ? context.chainAccess().urls : urlsOf(flags.rpc), context.signal);
  context.printer.result(states, () => serverTable(states));
  // For scripts: the table is the answer, and it is bad news.
  if (!states.some(({ ok }) => ok)) process.exitCode = 1;
}

const MAIN = fileURLToPath(new URL("../../../tfchain/src/main.ts", import.meta.url));

/** The ledger's own program: its log goes to standard error as it is. */
async function startServer(context: Context, home: string): Promise<void> {
  const configFile = joinPath(home, newChain.CONFIG_FILE);
  if (!existsSync(configFile)) throw cliErrors.fail("cli.no_such_file", { message: `There is no ${newChain.CONFIG_FILE} in ${home}: make it with \`tfgrid chain init\` or \`tfgrid chain join\`.` });
  if (newChain.needsCometBft(home)) await ensureCometBft({ note: context.printer.progress, signal: context.signal });
  const child = spawn(process.execPath, [...newChain.SERVER_FLAGS, MAIN, "--config", configFile], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  createInterface({ input: child.stdout }).on("line", (line) => sayReady(context, line));
  let last = "";
  createInterface({ input: child.stderr }).on("line", (line) => {
    process.stderr.write(`${line}\n`);
    last = line;
  });
  // Of a group of its own: Ctrl-C comes to it through us, once, and it ends its cometbft in order.
  context.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
  if (context.signal.aborted) child.kill("SIGTERM");
  const how = await new Promise<string>((done, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => done(code === 0 ? "" : `ended with ${code ?? signal}`));
  });
  if (how !== "") throw toldBy(last) ?? cliErrors.fail("cli.program_failed", { message: `The chain's server ${how}; its own words are above.` });
}

/** The error that a program ended with, from the last line of its log. */
function toldBy(line: string): GridError | undefined {
  try {
    const { code, message, cure, details = {} } = JSON.parse(line) as Partial<WireError>;
    return code === undefined || message === undefined || cure === undefined ? undefined : GridError.fromWire({ code, message, cure, details });
  } catch {
    // Not a line of ours: it stands above as it is.
    return undefined;
  }
}
