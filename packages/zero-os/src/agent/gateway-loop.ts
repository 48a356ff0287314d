/** Keeps the gateway's data plane at what the ledger says; one application at a time, the newest wins. */
import type { ContractId } from "@tfgrid/primitives";
import type { Report } from "@tfgrid/tfchain";
import { backoffMs, faultFrom } from "../provisioning/fault.ts";
import type { Fault } from "../provisioning/model.ts";
import { planRoutes, type RouteInput, type RoutePlan, type WantedRoute } from "./gateway-role.ts";
import type { World } from "./ports.ts";
import { Wake } from "./wake.ts";

export interface GatewayControl {
  /** Idempotent; everything not listed is taken away. Answers hosts that could not be served and why. */
  apply(routes: readonly WantedRoute[]): Promise<ReadonlyMap<string, Fault>>;
  /** Bytes of visitors by host, both ways, since some moment; smaller than before: since a later one. */
  traffic(): Promise<ReadonlyMap<string, number>>;
}

export interface GatewayRoleOptions {
  readonly domain: string;
  readonly control: GatewayControl;
  readonly world: World;
  readonly onChange: () => void;
}

export class GatewayRole {
  readonly #options: GatewayRoleOptions;
  readonly #wake = new Wake();
  #wanted: RoutePlan | undefined;
  #wantedText = "";
  #appliedText: string | undefined;
  #appliedPlan: RoutePlan | undefined;
  #faults: ReadonlyMap<string, Fault> = new Map();

  constructor(options: GatewayRoleOptions) {
    this.#options = options;
  }

  update(input: Omit<RouteInput, "domain">): void {
    const plan = planRoutes({ ...input, domain: this.#options.domain });
    const text = JSON.stringify([plan.routes, [...plan.reports]]);
    if (text === this.#wantedText) return;
    this.#wanted = plan;
    this.#wantedText = text;
    this.#wake.ring();
  }

  /** Only what is in place is reported. */
  reportOf(contractId: ContractId): Report["routes"] {
    const lines = this.#appliedPlan?.reports.get(contractId) ?? [];
    return lines.map((line) => {
      const fault = this.#faults.get(line.host);
      return fault === undefined ? line : { host: line.host, backends: 0, ...fault };
    });
  }

  /** Bytes of visitors by contract and host; undefined while it is not known whose they are. */
  async traffic(): Promise<ReadonlyMap<ContractId, Readonly<Record<string, number>>> | undefined> {
    const plan = this.#appliedPlan;
    if (plan === undefined) return undefined;
    const bytes = await this.#options.control.traffic();
    // A host may be in other hands by now: left for the next look.
    if (plan !== this.#appliedPlan) return undefined;
    const served = new Set(plan.routes.map(({ host }) => host));
    return new Map(
      [...plan.reports].map(([id, lines]) => [
        id as ContractId,
        Object.fromEntries(lines.flatMap(({ host, code }) => (served.has(host) && code !== "node.route_without_name" ? [[host, bytes.get(host) ?? 0]] : []))),
      ]),
    );
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, entropy, logger } = this.#options.world;
    let failures = 0;
    while (!signal.aborted) {
      let untilMs = Number.MAX_SAFE_INTEGER;
      if (this.#wanted !== undefined && this.#appliedText !== this.#wantedText) {
        try {
          await this.#apply(this.#wanted, this.#wantedText);
          failures = 0;
        } catch (error) {
          failures += 1;
          untilMs = clock.nowMs() + backoffMs(failures, entropy);
          const fault = faultFrom(error);
          this.#faults = new Map(this.#wanted.routes.map(({ host }) => [host, fault]));
          logger.warn("routes not applied yet", { error });
          this.#options.onChange();
        }
      }
      await this.#wake.wait({ clock, untilMs, signal });
    }
  }

  async #apply(plan: RoutePlan, text: string): Promise<void> {
    this.#faults = await this.#options.control.apply(plan.routes);
    this.#appliedPlan = plan;
    this.#appliedText = text;
    this.#options.onChange();
  }
}
