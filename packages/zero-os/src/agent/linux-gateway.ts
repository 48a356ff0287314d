/** GatewayControl over HAProxy: backends are reached from inside their private network's namespace. */
import type { Gateway } from "@tfgrid/web-gateway";
import type { Fault } from "../provisioning/model.ts";
import type { GatewayControl } from "./gateway-loop.ts";
import type { WantedRoute } from "./gateway-role.ts";

/** What HAProxy's own health checks find is a matter of the moment and shows in its answers; reports tell what is configured. */
const MOMENTARY = new Set(["gateway.no_backend", "gateway.no_backends_yet"]);

export function linuxGateway(gateway: Pick<Gateway, "apply">, netnsOf: (znet: string) => string | undefined): GatewayControl {
  return {
    apply: async (routes) => {
      const status = await gateway.apply(routes.map((route) => ({ host: route.host, tls: route.tls, backends: backends(route, netnsOf) })));
      const faults = status.routes.flatMap(({ host, code, message }) =>
        code === undefined || MOMENTARY.has(code) ? [] : [[host, { code, message: message ?? "" }] as const],
      );
      return new Map<string, Fault>(faults);
    },
  };
}

function backends(route: WantedRoute, netnsOf: (znet: string) => string | undefined) {
  const namespace = netnsOf(route.znet);
  // Without its network a backend cannot be reached yet; the next application follows when the network is there.
  if (namespace === undefined) return [];
  return route.backends.map(({ name, ip, port }) => ({ id: `${route.solutionId}-${name}`, address: ip, port, namespace }));
}
