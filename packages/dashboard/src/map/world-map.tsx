/** A map without a tile server: land from the page's own files, nodes as marks that can be reached with the keyboard. */
import { geoNaturalEarth1, geoPath } from "d3-geo";
import { useMemo } from "react";
import { Link } from "react-router";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import world from "world-atlas/land-110m.json";
import type { NodeRow } from "../api/types.ts";
import { plural } from "../format/numbers.ts";
import { nodeWord, type Tone } from "../format/states.ts";
import { cluster } from "./cluster.ts";

const WIDTH = 960;
const HEIGHT = 424;
/** Drawing units: two marks closer than this would cover each other. */
const MARK_DISTANCE = 16;

const topology = world as unknown as Topology<{ land: GeometryCollection }>;
const land = feature(topology, topology.objects.land);
const projection = geoNaturalEarth1().fitExtent([[4, 4], [WIDTH - 4, HEIGHT + 58]], { type: "Sphere" });
const outline = geoPath(projection)(land) ?? "";
const FILL: Readonly<Record<Tone, string>> = { good: "var(--good)", warn: "var(--warn)", bad: "var(--bad)", info: "var(--info)", quiet: "var(--muted)" };

export function WorldMap({ nodes }: { nodes: readonly NodeRow[] }) {
  const marks = useMemo(() => {
    const placed = nodes.flatMap((node) => {
      const at = projection([node.location.longitude, node.location.latitude]);
      return at === null ? [] : [{ ...node, x: at[0], y: at[1] }];
    });
    return cluster(placed, MARK_DISTANCE);
  }, [nodes]);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="block h-auto w-full" role="group" aria-label={`World map with ${plural(nodes.length, "node")}`}>
      <path d={outline} fill="var(--land)" stroke="var(--coast)" strokeWidth={0.6} aria-hidden="true" />
      {marks.map((mark) => {
        const [first] = mark.nodes;
        if (first === undefined) return null;
        const many = mark.nodes.length > 1;
        const radius = many ? 8 + Math.min(10, Math.log2(mark.nodes.length) * 2) : 5.5;
        const up = mark.nodes.filter((node) => node.status === "up").length;
        const label = many ? `${first.country}: ${plural(mark.nodes.length, "node")}, ${up} up` : `Node ${first.nodeId}, ${first.city}, ${first.country}: ${nodeWord(first.status)}`;
        return (
          <Link key={first.nodeId} to={many ? `/nodes?country=${encodeURIComponent(first.country)}` : `/nodes/${first.nodeId}`} aria-label={label}>
            <title>{label}</title>
            <circle cx={mark.x} cy={mark.y} r={radius + 6} fill={FILL[mark.tone]} opacity={0.18} />
            <circle cx={mark.x} cy={mark.y} r={radius} fill={FILL[mark.tone]} stroke="var(--surface)" strokeWidth={1.5} />
            {many ? (
              <text x={mark.x} y={mark.y} textAnchor="middle" dominantBaseline="central" fontSize={radius} fontWeight={600} fill="var(--surface)" aria-hidden="true">
                {mark.nodes.length}
              </text>
            ) : null}
          </Link>
        );
      })}
    </svg>
  );
}
