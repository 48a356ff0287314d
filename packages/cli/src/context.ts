/** What every command may need, opened when first asked for and closed at the end. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type KeyPair, type TwinId, keyPairFromSeed, seedOfMnemonic } from "@tfgrid/primitives";
import { type ChainAccess, type ChainClient, connectChain } from "@tfgrid/tfchain";
import { type NotaryClient, connectNotary } from "@tfgrid/notary";
import { readAccess } from "./chain/join.ts";
import { type GridEndpoints, readEndpoints } from "./endpoints.ts";
import { cliErrors } from "./errors.ts";
import { KEY_ROLES, type KeyRole, mnemonicFile } from "./local-grid/keys.ts";
import { layoutOf } from "./local-grid/layout.ts";
import { type Printer, createPrinter } from "./output/printer.ts";

export interface GlobalOptions {
  readonly json: boolean;
  readonly state: string;
  readonly mnemonicFile?: string;
  readonly access?: string;
  readonly as?: string;
}

export interface Context {
  readonly printer: Printer;
  readonly stateDir: string;
  readonly signal: AbortSignal;
  /** Of the local grid. @throws GridError cli.not_running, and cli.local_grid_only with `--access` */
  endpoints(): GridEndpoints;
  /** Where a twin made here is reached; none on a ledger that has no relay beside it. @throws GridError cli.not_running */
  relays(): readonly string[];
  /** Of `--access FILE`, else of the local grid. @throws GridError cli.not_running, cli.no_such_file, cli.bad_argument */
  chainAccess(): ChainAccess;
  chain(): ChainClient;
  notary(): NotaryClient;
  /** The key that signs. @throws GridError cli.no_identity, keys.bad_mnemonic */
  keyPair(role?: KeyRole): KeyPair;
  /** The key that signs, with its twin. @throws GridError cli.no_identity, cli.no_twin */
  identity(role?: KeyRole): Promise<{ readonly keyPair: KeyPair; readonly twinId: TwinId }>;
  close(): Promise<void>;
}

export function createContext(options: GlobalOptions, signal: AbortSignal): Context {
  const stateDir = resolve(options.state);
  let endpoints: GridEndpoints | undefined;
  let chain: ChainClient | undefined;
  let notary: NotaryClient | undefined;
  const context: Context = {
    printer: createPrinter(options.json),
    stateDir,
    signal,
    endpoints: () => {
      // Another ledger's documents must not go to this grid's notary.
      if (options.access !== undefined) throw cliErrors.fail("cli.local_grid_only");
      return (endpoints ??= readEndpoints(stateDir));
    },
    relays: () => (options.access === undefined ? context.endpoints().relays : []),
    chainAccess: () => {
      if (options.access !== undefined) return readAccess(resolve(options.access));
      const { urls, trust } = context.endpoints().chain;
      return { urls, trust };
    },
    chain: () => {
      if (chain !== undefined) return chain;
      return (chain = connectChain(context.chainAccess()));
    },
    notary: () => (notary ??= connectNotary({ urls: context.endpoints().notary, chain: context.chain().proven })),
    keyPair: (role = "user") => readIdentity(options, stateDir, role),
    identity: async (role) => {
      const keyPair = context.keyPair(role);
      const twin = await context.chain().twinByAccount(keyPair.account);
      if (twin === undefined) throw cliErrors.fail("cli.no_twin", { message: `Account ${keyPair.account} has no twin on this chain.`, details: { account: keyPair.account } });
      return { keyPair, twinId: twin.id };
    },
    close: async () => {
      await chain?.close();
    },
  };
  return context;
}

/** Order: --mnemonic-file, TFGRID_MNEMONIC, --as ROLE of the local grid, the command's usual role. */
export function readIdentity(options: GlobalOptions, stateDir: string, role: KeyRole): KeyPair {
  const fromEnvironment = process.env["TFGRID_MNEMONIC"];
  if (options.mnemonicFile === undefined && fromEnvironment !== undefined) return keyPairFromSeed(seedOfMnemonic(fromEnvironment));
  const path = options.mnemonicFile ?? mnemonicFile(layoutOf({ stateDir, computeNodes: 0 }).files.keys, roleOf(options.as, role));
  return keyPairFromSeed(seedOfMnemonic(readWords(path)));
}

function roleOf(named: string | undefined, usual: KeyRole): KeyRole {
  const role = KEY_ROLES.find((entry) => entry === (named ?? usual));
  if (role === undefined) throw cliErrors.fail("cli.bad_argument", { message: `"${named}" is no role of a local grid: ${KEY_ROLES.join(", ")}.` });
  return role;
}

function readWords(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw cliErrors.fail("cli.no_identity", { message: `There is no readable mnemonic at ${path}.`, cause });
  }
}
