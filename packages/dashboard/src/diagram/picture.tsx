import { type CSSProperties, useEffect, useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import { plural } from "../format/numbers.ts";
import { classes, Dot, Empty, State, Tag } from "../ui/kit.tsx";
import { toneOf } from "../format/states.ts";
import { layoutPicture, METRICS, type Rect } from "./layout.ts";
import type { MachineBox, NodeBox, Picture, RouteBox } from "./model.ts";

const at = ({ x, y, width, height }: Rect): CSSProperties => ({ position: "absolute", left: x, top: y, width, height });

function useWidth(): readonly [React.RefObject<HTMLDivElement | null>, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(720);
  useEffect(() => {
    if (ref.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(Math.floor(entry.contentRect.width));
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

function Machine({ machine }: { machine: MachineBox }) {
  return (
    <li className="flex items-center gap-2.5 rounded-lg border border-line bg-surface px-3" style={{ height: METRICS.machineHeight }} title={machine.message}>
      <Dot tone={toneOf(machine.state)} breathing={toneOf(machine.state) === "info"} />
      <div className="min-w-0 grow">
        <div className="truncate text-sm font-medium">{machine.name}</div>
        <div className="truncate text-xs text-muted">
          {machine.addresses.join(", ") || "no address yet"}
          {machine.restarts === 0 ? "" : ` · ${plural(machine.restarts, "restart")}`}
        </div>
      </div>
      <State state={machine.state} />
    </li>
  );
}

function NodeCard({ node, rect }: { node: NodeBox; rect: Rect }) {
  return (
    <section style={{ ...at(rect), padding: `0 ${METRICS.padding}px` }} aria-label={`Node ${node.nodeId}`} className={classes("overflow-hidden rounded-xl border bg-raised", node.up ? "border-line" : "border-bad")}>
      <header className="flex items-center gap-2" style={{ height: METRICS.nodeHead }}>
        <Link to={`/nodes/${node.nodeId}`} className="text-sm font-semibold whitespace-nowrap no-underline hover:underline">Node {node.nodeId}</Link>
        <span className="grow truncate text-xs text-muted">{node.where}</span>
        {node.gateway ? <Tag tone="info">gateway</Tag> : null}
        <State state={node.state} label={node.state === "down" ? "lost" : node.state} />
      </header>
      {node.machines.length === 0 ? (
        <p className="m-0 truncate text-xs text-muted" title={node.message}>{node.message ?? (node.gateway ? "Serves the addresses; runs no zmachine of this solution." : "No zmachine reported yet.")}</p>
      ) : (
        <ul className="m-0 flex list-none flex-col p-0" style={{ gap: METRICS.machineGap }}>
          {node.machines.map((machine) => <Machine key={machine.name} machine={machine} />)}
        </ul>
      )}
    </section>
  );
}

function RouteCard({ route, rect, url }: { route: RouteBox; rect: Rect; url: string | undefined }) {
  return (
    <section style={at(rect)} aria-label={`Route ${route.host}`} className="flex flex-col justify-center overflow-hidden rounded-xl border border-info/40 bg-info-soft px-3">
      <div className="truncate text-sm font-semibold">{url === undefined ? route.host : <a href={url} target="_blank" rel="noreferrer" className="no-underline hover:underline">{route.host}</a>}</div>
      <div className="truncate text-xs text-muted">through gateway <Link to={`/nodes/${route.nodeId}`} className="link">node {route.nodeId}</Link></div>
      <div className={classes("truncate text-xs font-medium", route.backends === 0 ? "text-bad" : "text-info")} title={route.message}>
        {route.message ?? (route.backends === undefined ? "not served yet" : `${plural(route.backends, "healthy zmachine")} behind it`)}
      </div>
    </section>
  );
}

/** The solution as it stands: addresses, the private network, nodes, and the zmachines in them. */
export function PictureView({ picture, urlOf }: { picture: Picture; urlOf: (host: string) => string | undefined }) {
  const [ref, width] = useWidth();
  const layout = useMemo(() => layoutPicture(picture, width), [picture, width]);
  // The measured element is there from the first drawing on, also while nothing is placed.
  if (picture.nodes.length === 0 && picture.routes.length === 0)
    return (
      <div ref={ref}>
        <Empty>Nothing is placed on a node yet.</Empty>
      </div>
    );
  return (
    <div ref={ref}>
      <div className="relative" style={{ height: layout.height }} role="group" aria-label="Services and where they run">
        <svg className="absolute inset-0" width={layout.width} height={layout.height} aria-hidden="true">
          {layout.edges.map(({ path, kind, index }) => {
            const lost = kind === "node" ? picture.nodes[index]?.up === false : picture.routes[index]?.backends === 0;
            return <path key={`${kind}${index}`} d={path} fill="none" stroke={lost ? "var(--bad)" : kind === "route" ? "var(--info)" : "var(--accent)"} strokeWidth={2} strokeDasharray={lost ? "5 5" : undefined} opacity={0.75} />;
          })}
        </svg>
        {layout.network === undefined ? null : (
          <div style={at(layout.network)} className="flex items-center justify-center rounded-xl border border-accent/40 bg-accent-soft">
            <span className="text-xs font-medium whitespace-nowrap text-accent [writing-mode:vertical-rl] rotate-180">
              {picture.networks.map(({ name, cidr }) => `${name} ${cidr}`).join(" · ") || "private network"}
            </span>
          </div>
        )}
        {picture.routes.map((route, index) => {
          const rect = layout.routes[index];
          return rect === undefined ? null : <RouteCard key={route.name} route={route} rect={rect} url={urlOf(route.host)} />;
        })}
        {picture.nodes.map((node, index) => {
          const rect = layout.nodes[index];
          return rect === undefined ? null : <NodeCard key={node.nodeId} node={node} rect={rect} />;
        })}
      </div>
    </div>
  );
}
