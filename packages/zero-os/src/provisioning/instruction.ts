/** Whether a document from the notary may instruct this node about this contract. Pure. */
import { documents, type Instruction, type StoredDocument } from "@tfgrid/notary";
import {
  type AccountId,
  cidOf,
  concatBytes,
  decode,
  type GridError,
  type NodeId,
  sha256,
  verify,
} from "@tfgrid/primitives";
import type { NodeContract, Solution } from "@tfgrid/tfchain";
import { nodeErrors } from "../errors.ts";
import { NODE_LIMITS } from "../limits.ts";

export interface InstructionCheck {
  readonly contract: NodeContract;
  readonly solution: Pick<Solution, "id" | "twinId" | "agentTwinId">;
  readonly document: StoredDocument;
  /** Account of `document.author`, read from the ledger. */
  readonly authorAccount: AccountId | undefined;
  readonly chainId: string;
  readonly nodeId: NodeId;
}

/** @throws GridError node.instruction_altered, .._foreign_author, .._invalid, .._mismatch, .._exceeds_contract */
export function verifyInstruction(check: InstructionCheck): Instruction {
  const { contract, document } = check;
  if (cidOf(document.bytes) !== contract.instruction) throw fail("node.instruction_altered", contract);
  checkAuthor(check);
  const instruction = parseInstruction(document.bytes, contract);
  checkIds(check, instruction);
  checkAmounts(contract, instruction);
  return instruction;
}

export function parseInstruction(bytes: Uint8Array, contract: Pick<NodeContract, "id">): Instruction {
  try {
    return decode(documents.instruction, bytes, { maxBytes: NODE_LIMITS.instructionBytes });
  } catch (cause) {
    throw nodeErrors.fail("node.instruction_invalid", {
      message: `The instruction of contract ${contract.id} cannot be read: ${(cause as Error).message}`,
      details: { contractId: contract.id },
      cause,
    });
  }
}

function fail(code: keyof typeof nodeErrors.catalogue, contract: NodeContract, message?: string): GridError {
  const details = { contractId: contract.id, version: contract.version, instruction: contract.instruction };
  return nodeErrors.fail(code, { details, ...(message === undefined ? {} : { message }) });
}

/** CIDv1, dag-cbor, sha2-256, 32 bytes: the fixed head of every content id here. */
const CID_HEAD = new Uint8Array([0x01, 0x71, 0x12, 0x20]);

function checkAuthor({ contract, document, solution, authorAccount }: InstructionCheck): void {
  if (document.author !== solution.agentTwinId && document.author !== solution.twinId) {
    throw fail("node.instruction_foreign_author", contract, `Twin ${document.author} may not instruct nodes for solution ${solution.id}.`);
  }
  const own = document.signatures.find(({ twinId }) => twinId === document.author);
  const message = concatBytes(CID_HEAD, sha256(document.bytes));
  const good =
    own !== undefined &&
    authorAccount !== undefined &&
    verify({ account: authorAccount, domain: "tfgrid/document/v1", message, signature: own.signature });
  if (!good) throw fail("node.instruction_foreign_author", contract, "The author's signature on the instruction is missing or wrong.");
}

function checkIds({ contract, chainId, nodeId }: InstructionCheck, instruction: Instruction): void {
  const wrong = [
    instruction.chainId === chainId ? undefined : "chainId",
    instruction.nodeId === nodeId && contract.nodeId === nodeId ? undefined : "nodeId",
    instruction.solutionId === contract.solutionId ? undefined : "solutionId",
  ].filter((field) => field !== undefined);
  if (wrong.length > 0) throw fail("node.instruction_mismatch", contract, `The instruction differs from its contract in ${wrong.join(", ")}.`);
  for (const network of instruction.networks) {
    const share = contract.networks.find(({ name }) => name === network.name);
    if (share?.cidr !== network.cidr || share.subnetIndex !== network.subnetIndex) {
      throw fail("node.instruction_mismatch", contract, `Network ${network.name} is not the one that the contract names.`);
    }
  }
  checkNames(contract, instruction);
}

/** References inside the document; a schema cannot say these. */
function checkNames(contract: NodeContract, { networks, volumes, zmachines }: Instruction): void {
  const twice = firstTwice([...zmachines.map(({ name }) => `zmachine ${name}`), ...networks.map(({ name }) => `network ${name}`)].concat(
    volumes.map(({ name }) => `volume ${name}`),
    zmachines.flatMap((zmachine) => zmachine.networks.map(({ name, ip }) => `address ${name} ${ip}`)),
  ));
  if (twice !== undefined) throw fail("node.instruction_invalid", contract, `The instruction has ${twice} twice.`);
  for (const { name, mounts, networks: attached } of zmachines) {
    const volume = mounts.find((mount) => mount.type === "volume" && !volumes.some((entry) => entry.name === mount.source));
    if (volume !== undefined) throw fail("node.instruction_invalid", contract, `Zmachine ${name} mounts the unknown volume ${volume.source}.`);
    for (const { name: network, ip } of attached) {
      const share = networks.find((entry) => entry.name === network);
      if (share === undefined) throw fail("node.instruction_invalid", contract, `Zmachine ${name} joins the unknown network ${network}.`);
      if (!isInShare(ip, share)) throw fail("node.instruction_invalid", contract, `Address ${ip} of ${name} is not this node's to give.`);
    }
  }
}

/** .0 and .255 are no hosts, .1 is the network's router. */
function isInShare(ip: string, share: { readonly cidr: string; readonly subnetIndex: number }): boolean {
  const [a, b] = share.cidr.split(".");
  const parts = ip.split(".");
  const last = Number(parts[3]);
  return parts[0] === a && parts[1] === b && parts[2] === String(share.subnetIndex) && last >= 2 && last <= 254 && parts[3] === String(last);
}

function firstTwice(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

/** Nobody gets more than the ledger reserved and bills. */
function checkAmounts(contract: NodeContract, { volumes, zmachines }: Instruction): void {
  const sum = <T>(items: readonly T[], of: (item: T) => number): number => items.reduce((total, item) => total + of(item), 0);
  const asked = {
    cpuMilli: sum(zmachines, ({ resources }) => resources.cpuMilli),
    memoryBytes: sum(zmachines, ({ resources }) => resources.memoryBytes),
    ssdBytes:
      sum(zmachines, ({ resources }) => resources.rootfsBytes) + sum(volumes, (volume) => (volume.kind === "ssd" ? volume.sizeBytes : 0)),
    hddBytes: sum(volumes, (volume) => (volume.kind === "hdd" ? volume.sizeBytes : 0)),
  };
  for (const field of ["cpuMilli", "memoryBytes", "ssdBytes", "hddBytes"] as const) {
    if (asked[field] > contract.resources[field]) {
      const text = `The instruction asks for ${asked[field]} ${field}, the contract reserves ${contract.resources[field]}.`;
      throw fail("node.instruction_exceeds_contract", contract, text);
    }
  }
}
