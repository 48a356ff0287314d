/** Hysteresis: a working path is left only for one that is clearly better, or shorter and no worse, for some time; a dead one at once. */
import type { NodeId } from "@tfgrid/primitives";
import { PATH_LIMITS as L } from "../limits.ts";
import type { Path } from "./shortest-path.ts";

export interface PathState {
  readonly nodes: readonly NodeId[];
  /** Since when a better path has been known without a break. */
  readonly betterSinceMs?: number;
}

export interface PathChoice {
  readonly state: PathState | undefined;
  readonly switched: boolean;
}

export function choosePath(
  state: PathState | undefined,
  now: { readonly best: Path | undefined; readonly currentCostUs: number | undefined; readonly nowMs: number },
): PathChoice {
  const { best, currentCostUs, nowMs } = now;
  if (best === undefined) return { state: undefined, switched: state !== undefined };
  const take = { state: { nodes: best.nodes }, switched: true };
  if (state === undefined) return take;
  if (best.nodes.join() === state.nodes.join()) return { state: { nodes: state.nodes }, switched: false };
  if (currentCostUs === undefined) return take;
  const gain = currentCostUs - best.costUs;
  // A shorter way that is no worse needs fewer nodes' help.
  const worthIt = best.nodes.length < state.nodes.length ? gain >= 0 : gain >= L.switchMarginUs && gain >= currentCostUs * L.switchMarginShare;
  if (!worthIt) return { state: { nodes: state.nodes }, switched: false };
  const betterSinceMs = state.betterSinceMs ?? nowMs;
  if (nowMs - betterSinceMs >= L.switchAfterMs) return take;
  return { state: { nodes: state.nodes, betterSinceMs }, switched: false };
}
