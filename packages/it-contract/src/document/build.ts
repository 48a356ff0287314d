/** Draft -> SolutionDocument: images pinned by digest, farm names looked up, secrets sealed to the agent. */
import { documents, type Service, type SolutionDocument } from "@tfgrid/notary";
import { encode, type Entropy, type FarmId, hasCode, type Hex, messageOf, seal, type TwinId } from "@tfgrid/primitives";
import type { ComposeDraft, DraftService } from "../compose/draft.ts";
import { fail } from "../errors.ts";
import type { ImageResolver } from "../images/resolver.ts";

export interface AgentKey {
  readonly twinId: TwinId;
  /** The agent twin's X25519 key on the ledger. */
  readonly encryptionKey: Hex;
}

export interface BuildDocumentOptions {
  readonly draft: ComposeDraft;
  /** 1 for a new solution, the accepted version + 1 for a change. */
  readonly version: number;
  /** The twin that pays and signs when the file names no signers. */
  readonly ownerTwinId: TwinId;
  /** The agent that the file names, or the caller's choice when it names none. */
  readonly agent: (named: TwinId | undefined) => Promise<AgentKey>;
  readonly images: ImageResolver;
  readonly farmIdByName: (name: string) => Promise<FarmId | undefined>;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
}

/** @throws GridError it_contract.image_*, unknown_farm, invalid_document */
export async function buildDocument(options: BuildDocumentOptions): Promise<SolutionDocument> {
  const { draft, entropy } = options;
  const agent = await options.agent(draft.agentTwinId);
  const digests = await resolveImages(options);
  const farms = await resolveFarms(options);
  const signers = draft.signers ?? [{ twinId: options.ownerTwinId, weight: 1 }];
  const document: SolutionDocument = {
    kind: "solution/v1",
    name: draft.name,
    version: options.version,
    services: draft.services.map((service) => pinned(service, digests, farms)),
    networks: draft.networks,
    volumes: draft.volumes,
    configs: draft.configs,
    secrets: draft.secrets.map(({ name, content }) => ({
      name,
      sealed: seal({ to: agent.encryptionKey, plaintext: content, context: secretContext(draft.name, name), entropy }),
    })),
    ingress: draft.ingress,
    budgetPerHourUnits: draft.budgetPerHourUnits,
    agentTwinId: agent.twinId,
    signers,
    thresholds: draft.thresholds ?? { provision: 1, amend: 1, delete: 1 },
  };
  checkDocument(document);
  return document;
}

/** Binds a sealed secret to its solution and name, so that it cannot be moved into another solution. */
export const secretContext = (solutionName: string, secretName: string): string => `solution/${solutionName}/secret/${secretName}`;

/** @throws GridError it_contract.invalid_document, it_contract.too_large */
export function checkDocument(document: SolutionDocument): void {
  let bytes: Uint8Array;
  try {
    bytes = encode(documents.solutionDocument, document);
  } catch (cause) {
    if (!hasCode(cause, "codec.invalid_value")) throw cause;
    throw fail("it_contract.invalid_document", { message: messageOf(cause), cause });
  }
  const max = documents.DOCUMENT_LIMITS.documentBytes;
  if (bytes.length > max) throw fail("it_contract.too_large", { message: `The document has ${bytes.length} bytes where at most ${max} are allowed.` });
}

function pinned(draft: DraftService, digests: ReadonlyMap<string, string>, farms: ReadonlyMap<string, FarmId>): Service {
  const { imageReference, placement, ...rest } = draft;
  const { farms: wanted, ...others } = placement;
  const farmIds = wanted.map((farm) => (typeof farm === "number" ? (farm as FarmId) : (farms.get(farm) as FarmId)));
  return { ...rest, image: { reference: imageReference, digest: digests.get(imageReference) ?? "" }, placement: { ...others, farmIds } };
}

async function resolveImages(options: BuildDocumentOptions): Promise<ReadonlyMap<string, string>> {
  const references = [...new Set(options.draft.services.map((service) => service.imageReference))];
  const digests = await Promise.all(references.map((reference) => options.images.resolve(reference, { signal: options.signal })));
  return new Map(references.map((reference, index) => [reference, digests[index] ?? ""]));
}

async function resolveFarms(options: BuildDocumentOptions): Promise<ReadonlyMap<string, FarmId>> {
  const names = new Set(options.draft.services.flatMap((service) => service.placement.farms.filter((farm) => typeof farm === "string")));
  const found = new Map<string, FarmId>();
  for (const name of names) {
    const id = await options.farmIdByName(name);
    if (id === undefined) throw fail("it_contract.unknown_farm", { message: `No farm is called ${name}.`, details: { name } });
    found.set(name, id);
  }
  return found;
}
