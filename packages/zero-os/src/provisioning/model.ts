/** The planner's world: what should be, what is, and what the agent remembers. Plain data. */
import type { Instruction, ZmachineSpec } from "@tfgrid/notary";
import type { ContractId, SolutionId } from "@tfgrid/primitives";
import type { Report } from "@tfgrid/tfchain";
import type { StorageDriver, ZmachineKey, ZmachineStatus } from "../ports.ts";

export interface Fault {
  readonly code: string;
  readonly message: string;
}

export interface DesiredZmachine {
  readonly key: ZmachineKey;
  readonly spec: ZmachineSpec;
  readonly specHash: string;
  /** It cannot be started at all, for example because a secret does not open. */
  readonly fault?: Fault;
}

export interface DesiredContract {
  readonly contractId: ContractId;
  readonly solutionId: SolutionId;
  /** Contract version whose instruction this is. */
  readonly version: number;
  /** `pause`: out of money; zmachines are stopped, data is kept. */
  readonly mode: "run" | "pause";
  readonly networks: Instruction["networks"];
  readonly volumes: Instruction["volumes"];
  readonly zmachines: readonly DesiredZmachine[];
}

/** A zmachine of the same solution on another node, by its report on the ledger. */
export interface RemoteZmachine {
  readonly solutionId: SolutionId;
  readonly service: string;
  readonly state: ZmachineState;
}

export interface Desired {
  readonly contracts: readonly DesiredContract[];
  /**
   * Contracts that were read from the ledger with proof and have ended. What belongs to a contract that is in neither
   * list is left alone: not being able to read the ledger must never remove anything.
   */
  readonly ended: ReadonlySet<ContractId>;
  /** True once the ledger's list was read in full: only then a private network without a contract is a leftover. */
  readonly complete: boolean;
  readonly remote: readonly RemoteZmachine[];
}

export interface Actual {
  readonly volumes: Awaited<ReturnType<StorageDriver["listVolumes"]>>;
  readonly zmachines: readonly ZmachineStatus[];
  readonly znets: readonly string[];
  readonly attachments: readonly string[];
}

export interface HealthMemory {
  /** `startedAtMs` of the run that this is about. */
  readonly runMs: number;
  readonly state: "starting" | "healthy" | "unhealthy";
  readonly failures: number;
  readonly probes: number;
  readonly nextProbeMs: number;
  readonly output: string;
}

/** What survives a restart of the agent, per zmachine; written before the step that relies on it. */
export interface ZmachineMemory {
  readonly restarts: number;
  /** Restarts since a run that lasted longer than the policy's window. */
  readonly attempts: number;
  /** We ended this run, and why: so an exit of ours is not taken for the program's own end. */
  readonly halt?: { readonly runMs: number; readonly reason: HaltReason };
  readonly exit?: { readonly runMs: number; readonly seenMs: number };
  readonly health?: HealthMemory;
}
export type HaltReason = "paused" | "unhealthy" | "replaced" | "removed";

export interface Failure extends Fault {
  readonly count: number;
  readonly retryAtMs: number;
}

export interface Memory {
  readonly zmachines: ReadonlyMap<ZmachineKey, ZmachineMemory>;
  readonly failures: ReadonlyMap<string, Failure>;
  /** Ids of `ensure_*` and `pull` steps that succeeded since the agent started. */
  readonly done: ReadonlySet<string>;
  readonly inFlight: ReadonlySet<string>;
}

export type ZmachineState = Report["zmachines"][number]["state"];

/** What is said about a zmachine in the report. */
export interface Phase {
  readonly state: ZmachineState;
  readonly startedAtMs: number;
  readonly restarts: number;
  readonly fault?: Fault;
}

interface Step {
  /** Names the step: a failed one is retried under the same id, a running one is not started twice. */
  readonly id: string;
  /** Steps on one lane never overlap. */
  readonly lane: string;
  readonly contractId?: ContractId;
}

export type Action = Step &
  (
    | {
        readonly type: "ensure_volume";
        readonly contractId: ContractId;
        readonly name: string;
        readonly sizeBytes: number;
        readonly kind: "ssd" | "hdd";
      }
    | { readonly type: "remove_volume"; readonly contractId: ContractId; readonly name: string }
    | { readonly type: "ensure_znet"; readonly key: string; readonly network: Instruction["networks"][number] }
    | { readonly type: "remove_znet"; readonly key: string }
    | { readonly type: "pull"; readonly image: ZmachineSpec["image"] }
    | { readonly type: "start"; readonly contract: DesiredContract; readonly zmachine: DesiredZmachine; readonly restart: boolean }
    | {
        readonly type: "stop";
        readonly key: ZmachineKey;
        readonly runMs: number;
        readonly reason: HaltReason;
        readonly stopSignal: string;
        readonly graceMs: number;
      }
    | { readonly type: "remove"; readonly key: ZmachineKey }
    | { readonly type: "detach"; readonly key: ZmachineKey }
    | {
        readonly type: "probe";
        readonly key: ZmachineKey;
        readonly runMs: number;
        readonly healthcheck: NonNullable<ZmachineSpec["healthcheck"]>;
      }
  );
export type ActionType = Action["type"];

export interface Plan {
  readonly actions: readonly Action[];
  readonly phases: ReadonlyMap<ZmachineKey, Phase>;
  /** Faults of a contract's volumes and networks, which concern all its zmachines. */
  readonly faults: ReadonlyMap<ContractId, Fault>;
  /** When the plan changes by time alone. */
  readonly wakeAtMs: number | undefined;
}
