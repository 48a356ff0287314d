/** Planning and deploying from the page: ledger and notary are asked directly, the explorer only for image digests. */
import { buildDocument, type ComposeDraft, type ImageResolver, pinnedDigest, plan, planError, type Plan, readRents, readReputation } from "@tfgrid/it-contract";
import { connectNotary, documents, type SolutionDocument } from "@tfgrid/notary";
import { type KeyPair, keyPairFromSeed, seedOfMnemonic, type SolutionId, systemEntropy, type TwinId } from "@tfgrid/primitives";
import { type ChainClient, allRows, connectChain } from "@tfgrid/tfchain";
import { getJson, pathOf } from "../api/http.ts";
import type { PublicGrid } from "../api/types.ts";
import { fail } from "../errors.ts";

/** Prepaid when the file names no deposit: a day of the budget, as the command line does. */
const DEFAULT_DEPOSIT_HOURS = 24n;

/** A digest in the reference needs no question; otherwise the explorer asks the registry, which answers no browser. */
const explorerImages: ImageResolver = {
  resolve: async (reference, { signal }) => {
    const pinned = pinnedDigest(reference);
    if (pinned !== undefined) return pinned;
    return (await getJson<{ digest: string }>(pathOf("/images/resolve", { reference }), signal)).digest;
  },
};

export const openChain = (grid: PublicGrid): ChainClient =>
  connectChain(grid.chain);

interface DocumentOptions {
  readonly draft: ComposeDraft;
  readonly grid: PublicGrid;
  readonly chain: ChainClient;
  readonly ownerTwinId: TwinId | undefined;
  readonly signal: AbortSignal;
}

async function makeDocument({ draft, grid, chain, ownerTwinId, signal }: DocumentOptions): Promise<SolutionDocument> {
  const agentTwinId = draft.agentTwinId ?? grid.agentTwinId;
  if (agentTwinId === undefined) throw fail("dashboard.no_agent");
  const twin = await chain.proven.twin(agentTwinId as TwinId);
  if (twin === undefined) throw fail("dashboard.no_agent", { message: `There is no agent twin ${agentTwinId} on the ledger.` });
  return buildDocument({
    draft,
    version: 1,
    // A plan is made before the user has said who they are; it does not depend on the signers.
    ownerTwinId: ownerTwinId ?? twin.id,
    agent: () => Promise.resolve({ twinId: twin.id, encryptionKey: twin.encryptionKey }),
    images: explorerImages,
    farmIdByName: async (name) => (await chain.farmByName(name))?.id,
    entropy: systemEntropy,
    signal,
  });
}

async function planDocument(chain: ChainClient, document: SolutionDocument, ownerTwinId: TwinId | undefined): Promise<Plan> {
  const [nodes, farms, pricing, rents, reputation] = await Promise.all([allRows((page) => chain.nodes(page)), allRows((page) => chain.farms(page)), chain.pricing(), readRents(chain), readReputation(chain)]);
  const result = plan({ document, nodes, farms, pricing, rents, reputation, ownerTwinId, current: { parts: [], names: [] } });
  if (result.ok) return result.plan;
  throw planError(result.problems);
}

export interface PlanOptions {
  readonly draft: ComposeDraft;
  readonly grid: PublicGrid;
  readonly signal: AbortSignal;
}

/** @throws GridError it_contract.*, explorer.*, chain.* */
export async function planDraft({ draft, grid, signal }: PlanOptions): Promise<Plan> {
  const chain = openChain(grid);
  try {
    return await planDocument(chain, await makeDocument({ draft, grid, chain, ownerTwinId: undefined, signal }), undefined);
  } finally {
    await chain.close();
  }
}

export interface DeployOptions extends PlanOptions {
  /** Used for two signatures and forgotten. */
  readonly mnemonic: string;
  readonly onStep: (words: string) => void;
}

export const depositOf = (draft: ComposeDraft): bigint => draft.depositUnits ?? draft.budgetPerHourUnits * DEFAULT_DEPOSIT_HOURS;

async function submit(options: { readonly chain: ChainClient; readonly grid: PublicGrid; readonly signer: KeyPair; readonly twinId: TwinId; readonly document: SolutionDocument; readonly depositUnits: bigint; readonly signal: AbortSignal }): Promise<SolutionId> {
  const { chain, signer, twinId, document, depositUnits, signal } = options;
  const readers = [...new Set([document.agentTwinId, ...document.signers.map((other) => other.twinId)])].filter((id) => id !== twinId);
  const cid = await connectNotary({ urls: options.grid.notary, chain: chain.proven }).put({ schema: documents.solutionDocument, value: document, signer, twinId, readers });
  const { name, agentTwinId, signers, thresholds, budgetPerHourUnits } = document;
  const receipt = await chain.submit(
    signer,
    [
      { type: "solutions.create", name, document: cid, agentTwinId, signers, thresholds, budgetPerHourUnits, depositUnits },
      { type: "notary.anchor", document: cid, contractId: null, solutionId: null },
    ],
    { signal },
  );
  const created = receipt.events.find((event) => event.type === "solutions.created");
  if (created?.type !== "solutions.created") throw fail("dashboard.unexpected", { message: "The ledger took the contract without saying its number." });
  return created.solutionId;
}

/** @throws GridError keys.bad_mnemonic, dashboard.no_twin, dashboard.name_taken, it_contract.*, notary.*, the ledger's own */
export async function deployDraft(options: DeployOptions): Promise<SolutionId> {
  const { draft, grid, mnemonic, onStep, signal } = options;
  const signer = keyPairFromSeed(seedOfMnemonic(mnemonic));
  const chain = openChain(grid);
  try {
    onStep("Looking up your twin");
    const twin = await chain.twinByAccount(signer.account);
    if (twin === undefined) throw fail("dashboard.no_twin", { details: { account: signer.account } });
    if ((await chain.solutionByName(twin.id, draft.name)) !== undefined) throw fail("dashboard.name_taken", { message: `You already run a solution called ${draft.name}.` });
    onStep("Fixing images and sealing secrets");
    const document = await makeDocument({ draft, grid, chain, ownerTwinId: twin.id, signal });
    await planDocument(chain, document, twin.id);
    onStep("Signing the document and the contract");
    return await submit({ chain, grid, signer, twinId: twin.id, document, depositUnits: depositOf(draft), signal });
  } finally {
    await chain.close();
  }
}
