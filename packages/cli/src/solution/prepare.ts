/** From a Compose file to a document that can be planned and signed. */
import { readFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { type TwinId, isGridError, messageOf, systemEntropy } from "@tfgrid/primitives";
import type { SolutionDocument } from "@tfgrid/notary";
import { type AgentKey, type ComposeDraft, buildDocument, formatProblem, parseComposeOrThrow, parseEnvFile, skopeoImageResolver } from "@tfgrid/it-contract";
import { cliErrors } from "../errors.ts";
import type { GridEndpoints } from "../endpoints.ts";
import type { ChainClient } from "@tfgrid/tfchain";

/** A Compose file of more than this is refused before it is parsed; the parser has its own, smaller bounds. */
const MAX_INPUT_BYTES = 4 * 1024 * 1024;

/** @throws GridError it_contract.* with every problem of the file; cli.no_such_file */
export async function readDraft(file: string, warn: (text: string) => void): Promise<ComposeDraft> {
  const path = resolve(file);
  const folder = dirname(path);
  const text = await readText(path);
  const { draft, warnings } = await parseComposeOrThrow({
    text,
    fileName: file,
    environment: await environmentOf(folder),
    readFile: async (name) => new Uint8Array(await readFile(isAbsolute(name) ? name : join(folder, name))),
    defaultName: basename(folder).toLowerCase(),
  });
  for (const warning of warnings) warn(formatProblem(warning));
  return draft;
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_INPUT_BYTES) throw cliErrors.fail("cli.bad_argument", { message: `${path} has ${bytes.length} bytes where at most ${MAX_INPUT_BYTES} are read.` });
    return bytes.toString("utf8");
  } catch (cause) {
    if (isGridError(cause)) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw cliErrors.fail("cli.no_such_file", { message: code === "ENOENT" ? `There is no file ${path}.` : `${path} cannot be read: ${messageOf(cause)}.`, cause });
  }
}

/** `.env` beside the file, overridden by the environment, as docker compose does. */
async function environmentOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const own = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  try {
    const { values, problems } = parseEnvFile(await readFile(join(folder, ".env"), "utf8"), own);
    const problem = problems[0];
    if (problem !== undefined) throw cliErrors.fail("cli.bad_argument", { message: `.env:${problem.line}: ${problem.message}` });
    return { ...Object.fromEntries(values), ...own };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return own;
    throw cause;
  }
}

export interface DocumentOptions {
  readonly draft: ComposeDraft;
  readonly version: number;
  readonly ownerTwinId: TwinId;
  readonly chain: ChainClient;
  readonly endpoints: GridEndpoints;
  readonly signal: AbortSignal;
}

/** Resolves images to digests and seals secrets to the agent. @throws GridError it_contract.* */
export async function makeDocument(options: DocumentOptions): Promise<SolutionDocument> {
  const { draft, version, ownerTwinId, chain, endpoints, signal } = options;
  return buildDocument({
    draft,
    version,
    ownerTwinId,
    agent: (named) => agentKey(chain, named ?? endpoints.agentTwinId),
    images: skopeoImageResolver({ registriesConf: endpoints.registry.registriesConf }),
    farmIdByName: async (name) => (await chain.farmByName(name))?.id,
    entropy: systemEntropy,
    signal,
  });
}

/** Proven: secrets are sealed to this key. */
async function agentKey({ proven }: ChainClient, twinId: TwinId): Promise<AgentKey> {
  const twin = await proven.twin(twinId);
  if (twin === undefined) throw cliErrors.fail("cli.not_found", { message: `There is no agent twin ${twinId}.` });
  return { twinId, encryptionKey: twin.encryptionKey };
}
