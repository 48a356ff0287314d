/** The command tree of `tfgrid`: nouns, then verbs. */
import { Command } from "commander";
import { type Context, type GlobalOptions, createContext } from "../context.ts";
import { printError } from "../output/printer.ts";
import { addChainCommands } from "./chain.ts";
import { addFarmCommands } from "./farm.ts";
import { addGovernanceCommands } from "./governance.ts";
import { addImageCommands } from "./image.ts";
import { addMeritCommands } from "./merit.ts";
import { addNetworkCommands } from "./network.ts";
import { addReadCommands } from "./read.ts";
import { addRentCommands } from "./rent.ts";
import { addServiceCommands } from "./service.ts";
import { addSolutionCommands } from "./solution.ts";
import { addStakeCommands } from "./stake.ts";
import { addStatusCommand } from "./status.ts";
import { addTwinCommands } from "./twin.ts";
import { addGridCommands } from "./up.ts";
import { addWalletCommands } from "./wallet.ts";

/** Wraps a command's work: opens the context, prints errors with their cure, closes what was opened. */
export type Action = <A extends readonly unknown[]>(work: (context: Context, ...args: A) => Promise<void>) => (...args: [...A, Command]) => Promise<void>;

export interface ProgramOptions {
  readonly version: string;
  /** Usage errors are only thrown, not printed: the caller tells them in JSON. */
  readonly quiet?: boolean;
  readonly signal: AbortSignal;
}

export function createProgram(options: ProgramOptions): Command {
  const program = new Command("tfgrid");
  program
    .description("The decentralized grid: run one on this machine, describe architectures, watch them drive themselves.")
    .version(options.version)
    .option("--json", "answer in JSON", false)
    .option("--state <folder>", "state folder of the local grid", process.env["TFGRID_STATE"] ?? "state")
    .option("--access <file>", "act on the chain of this file (access.json of `chain init`) instead of the local grid's")
    .option("--mnemonic-file <file>", "sign with the twin of these words")
    .option("--as <role>", "sign as this role of the local grid (user, farmer)")
    .configureHelp({ showGlobalOptions: true })
    // Thrown to main, which tells it in JSON when that is asked for.
    .exitOverride()
    .configureOutput(options.quiet === true ? { writeErr: () => undefined } : {})
    .showHelpAfterError("(run with --help for what there is)");
  const action: Action =
    <A extends readonly unknown[]>(work: (context: Context, ...args: A) => Promise<void>) =>
    async (...args: [...A, Command]) => {
    const command = args.at(-1) as Command;
    const globals = command.optsWithGlobals<GlobalOptions>();
    const context = createContext(globals, options.signal);
    try {
      await work(context, ...(args.slice(0, -1) as unknown as A));
    } catch (error) {
      printError(error, globals.json);
      process.exitCode = 1;
    } finally {
      await context.close();
    }
  };
  addGridCommands(program, action);
  addStatusCommand(program, action);
  addSolutionCommands(program, action);
  addImageCommands(program, action);
  addNetworkCommands(program, action);
  addTwinCommands(program, action);
  addWalletCommands(program, action);
  addStakeCommands(program, action);
  addFarmCommands(program, action);
  addReadCommands(program, action);
  addRentCommands(program, action);
  addServiceCommands(program, action);
  addGovernanceCommands(program, action);
  addMeritCommands(program, action);
  addChainCommands(program, action);
  return program;
}
