/** The rest of the solutions that this node has a part of: other nodes' reports, names, members. Hints from events, truth from reads. */
import type { NodeId, SolutionId } from "@tfgrid/primitives";
import type { NameContract, NodeContract, Solution } from "@tfgrid/tfchain";
import { NODE_LIMITS } from "../limits.ts";
import { backoffMs } from "../provisioning/fault.ts";
import type { RemoteZmachine } from "../provisioning/model.ts";
import type { World } from "./ports.ts";
import { Wake } from "./wake.ts";

export interface SolutionView {
  readonly solution: Solution;
  readonly nodeContracts: readonly NodeContract[];
  readonly nameContracts: readonly NameContract[];
}

export class SolutionBook {
  readonly #options: { readonly world: World; readonly onChange: () => void };
  readonly #views = new Map<SolutionId, SolutionView>();
  #wanted: ReadonlySet<SolutionId> = new Set();
  readonly #dirty = new Set<SolutionId>();
  readonly #wake = new Wake();
  #failures = 0;
  #fullDueMs = 0;

  constructor(options: { readonly world: World; readonly onChange: () => void }) {
    this.#options = options;
  }

  get views(): ReadonlyMap<SolutionId, SolutionView> {
    return this.#views;
  }

  has(solutionId: SolutionId): boolean {
    return this.#wanted.has(solutionId);
  }

  want(solutionIds: ReadonlySet<SolutionId>): void {
    for (const id of solutionIds) if (!this.#wanted.has(id)) this.#dirty.add(id);
    for (const id of this.#views.keys()) if (!solutionIds.has(id)) this.#views.delete(id);
    this.#wanted = solutionIds;
    if (this.#dirty.size > 0) this.#wake.ring();
  }

  hint(solutionId: SolutionId): void {
    if (!this.#wanted.has(solutionId)) return;
    this.#dirty.add(solutionId);
    this.#wake.ring();
  }

  hintAll(): void {
    this.#fullDueMs = 0;
    this.#wake.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, entropy, logger } = this.#options.world;
    while (!signal.aborted) {
      if (clock.nowMs() >= this.#fullDueMs) {
        this.#fullDueMs = clock.nowMs() + NODE_LIMITS.syncIntervalMs;
        for (const id of this.#wanted) this.#dirty.add(id);
      }
      let untilMs = this.#fullDueMs;
      const due = [...this.#dirty];
      this.#dirty.clear();
      try {
        await Promise.all(due.map((id) => this.#read(id)));
        this.#failures = 0;
      } catch (error) {
        this.#failures += 1;
        for (const id of due) this.#dirty.add(id);
        untilMs = Math.min(untilMs, clock.nowMs() + backoffMs(this.#failures, entropy));
        logger.warn("solutions cannot be read", { error });
      }
      await this.#wake.wait({ clock, untilMs, signal });
    }
  }

  async #read(solutionId: SolutionId): Promise<void> {
    const { proven } = this.#options.world.chain;
    const [solution, contracts] = await Promise.all([
      proven.solution(solutionId),
      proven.contracts({ solutionId, active: true, limit: NODE_LIMITS.pageRows }),
    ]);
    if (!this.#wanted.has(solutionId)) return;
    if (solution === undefined) this.#views.delete(solutionId);
    else {
      this.#views.set(solutionId, {
        solution,
        nodeContracts: contracts.filter((contract) => contract.type === "node"),
        nameContracts: contracts.filter((contract) => contract.type === "name"),
      });
    }
    this.#options.onChange();
  }
}

/** Zmachines of the same solutions on other nodes, for `depends_on` and for the gateway. */
export function remoteZmachines(views: ReadonlyMap<SolutionId, SolutionView>, nodeId: NodeId): readonly RemoteZmachine[] {
  return [...views.values()].flatMap(({ solution, nodeContracts }) =>
    nodeContracts
      .filter((contract) => contract.nodeId !== nodeId)
      .flatMap((contract) => (contract.report?.zmachines ?? []).map(({ service, state }) => ({ solutionId: solution.id, service, state }))),
  );
}
