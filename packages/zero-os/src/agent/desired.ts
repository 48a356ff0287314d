/** Book entries -> what the planner wants: secrets checked, hashes made; computed once per instruction. */
import type { Instruction, ZmachineSpec } from "@tfgrid/notary";
import type { ContractId } from "@tfgrid/primitives";
import type { Identity } from "../identity/identity.ts";
import { faultFrom } from "../provisioning/fault.ts";
import { zmachineKey } from "../provisioning/keys.ts";
import type { DesiredContract, DesiredZmachine } from "../provisioning/model.ts";
import { openFiles, type OpenedFile, SPEC_HASH_LABEL, specHash } from "../provisioning/spec-hash.ts";
import type { BookEntry } from "./contract-book.ts";
import type { HeldContract } from "./contract-store.ts";

export class DesiredBuilder {
  readonly #identity: Identity;
  readonly #hashKey: Uint8Array;
  readonly #built = new Map<ContractId, { readonly bytes: Uint8Array; readonly zmachines: readonly DesiredZmachine[]; readonly instruction: Instruction }>();

  constructor(identity: Identity) {
    this.#identity = identity;
    this.#hashKey = identity.keys.derive(SPEC_HASH_LABEL);
  }

  build(entries: Iterable<BookEntry>): readonly DesiredContract[] {
    const held = [...entries].map((entry) => entry.held).filter((entry) => entry !== undefined);
    const ids = new Set(held.map(({ contractId }) => contractId));
    for (const id of this.#built.keys()) if (!ids.has(id)) this.#built.delete(id);
    return held.map((entry) => this.#contract(entry));
  }

  /** @throws GridError node.secret_cannot_open */
  files(contract: DesiredContract, zmachine: DesiredZmachine): readonly OpenedFile[] {
    const instruction = this.#built.get(contract.contractId)?.instruction;
    if (instruction === undefined) throw new Error("the contract is no longer wanted");
    return openFiles({ spec: zmachine.spec, instruction, keys: this.#identity.keys });
  }

  #contract(held: HeldContract): DesiredContract {
    const { contractId, version, mode, instruction, bytes } = held;
    const known = this.#built.get(contractId);
    const same = known?.bytes === bytes;
    const zmachines = same ? known.zmachines : instruction.zmachines.map((spec) => this.#zmachine(contractId, spec, instruction));
    if (!same) this.#built.set(contractId, { bytes, zmachines, instruction });
    const { solutionId, networks, volumes } = instruction;
    return { contractId, solutionId, version, mode, networks, volumes, zmachines };
  }

  #zmachine(contractId: ContractId, spec: ZmachineSpec, instruction: Instruction): DesiredZmachine {
    const key = zmachineKey(contractId, spec.name);
    try {
      const files = openFiles({ spec, instruction, keys: this.#identity.keys });
      return { key, spec, specHash: specHash({ spec, instruction, files, hashKey: this.#hashKey }) };
    } catch (error) {
      return { key, spec, specHash: "", fault: faultFrom(error) };
    }
  }
}
