/** Nodes that would cover each other on the map become one mark. Pure. */
import type { Tone } from "../format/states.ts";

export interface Placed {
  readonly nodeId: number;
  readonly status: string;
  readonly maintenance: { readonly mode: string };
  readonly x: number;
  readonly y: number;
}

export interface Mark<T extends Placed> {
  readonly x: number;
  readonly y: number;
  readonly nodes: readonly T[];
  readonly tone: Tone;
}

export const toneOfNode = (node: Pick<Placed, "status" | "maintenance">): Tone =>
  node.status === "standby" ? "quiet" : node.status !== "up" ? "bad" : node.maintenance.mode === "none" ? "good" : "warn";

function toneOfGroup(nodes: readonly Placed[]): Tone {
  const [first = "warn", ...others] = nodes.map(toneOfNode);
  return others.every((tone) => tone === first) ? first : "warn";
}

/** Grid buckets: linear in the number of nodes, stable between two reads. */
export function cluster<T extends Placed>(nodes: readonly T[], distance: number): readonly Mark<T>[] {
  const buckets = new Map<string, T[]>();
  for (const node of nodes) {
    const key = `${Math.round(node.x / distance)}:${Math.round(node.y / distance)}`;
    buckets.set(key, [...(buckets.get(key) ?? []), node]);
  }
  return [...buckets.values()].map((group) => ({
    x: group.reduce((sum, node) => sum + node.x, 0) / group.length,
    y: group.reduce((sum, node) => sum + node.y, 0) / group.length,
    nodes: group,
    tone: toneOfGroup(group),
  }));
}
