/** `chain export`: the ledger of a stopped server as a file, and that file as the beginning of another chain. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf } from "@tfgrid/primitives";
import { exportChain, newChain, runtime } from "@tfgrid/tfchain";
import { cliErrors } from "../errors.ts";

export interface ExportResult {
  readonly file: string;
  readonly chainId: string;
  /** The new chain's first block is the next. */
  readonly height: number;
  readonly rows: number;
}

/** @throws GridError cli.no_such_file, cli.bad_argument, chain.data_locked while the server runs, chain.nothing_to_export */
export async function exportTo(options: { readonly home: string; readonly out: string; readonly chainId: string | undefined }): Promise<ExportResult> {
  const { home, out, chainId } = options;
  const configFile = join(home, newChain.CONFIG_FILE);
  if (!existsSync(configFile)) throw cliErrors.fail("cli.no_such_file", { message: `There is no ${newChain.CONFIG_FILE} in ${home}: name the folder of a server.` });
  if (existsSync(out)) throw cliErrors.fail("cli.bad_argument", { message: `${out} is there already, and nothing is written over.` });
  const { dataDir } = JSON.parse(readFileSync(configFile, "utf8")) as { readonly dataDir: string };
  const genesis = await exportChain({ dataDir: resolve(home, dataDir), chainId });
  writeFileSync(out, `${JSON.stringify(runtime.genesisToJson(genesis))}\n`, { flag: "wx" });
  const sections = Object.values(genesis.content?.sections ?? {});
  return { file: out, chainId: genesis.chainId, height: genesis.content?.height ?? 0, rows: sections.reduce((sum, rows) => sum + rows.length, 0) };
}

/** @throws GridError cli.no_such_file, genesis.invalid */
export function readExport(file: string): runtime.Genesis {
  if (!existsSync(file)) throw cliErrors.fail("cli.no_such_file", { message: `There is no ${file}.` });
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw cliErrors.fail("cli.bad_argument", { message: `${file} is no JSON: ${messageOf(cause)}`, cause });
  }
  return runtime.parseGenesis(value);
}
