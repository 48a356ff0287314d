/** A Compose file, checked and complete, but not yet a document: images without digests, secrets not yet sealed. */
import type { Ingress, Service, SolutionDocument } from "@tfgrid/notary";
import type { TwinId } from "@tfgrid/primitives";

export interface DraftPlacement extends Omit<Service["placement"], "farmIds"> {
  /** Numbers or names; names are looked up on the ledger. */
  readonly farms: readonly (number | string)[];
}

export interface DraftService extends Omit<Service, "image" | "placement"> {
  readonly imageReference: string;
  readonly placement: DraftPlacement;
}

export interface ComposeDraft {
  readonly name: string;
  readonly services: readonly DraftService[];
  readonly networks: SolutionDocument["networks"];
  readonly volumes: SolutionDocument["volumes"];
  readonly configs: SolutionDocument["configs"];
  readonly secrets: readonly { readonly name: string; readonly content: Uint8Array }[];
  readonly ingress: readonly Ingress[];
  readonly budgetPerHourUnits: bigint;
  /** Absent: the caller decides (for example a week of the budget). */
  readonly depositUnits?: bigint;
  readonly agentTwinId?: TwinId;
  /** Absent: the owner alone. */
  readonly signers?: SolutionDocument["signers"];
  readonly thresholds?: SolutionDocument["thresholds"];
}
