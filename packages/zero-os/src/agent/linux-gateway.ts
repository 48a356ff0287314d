/** GatewayControl over HAProxy: backends are reached from inside their private network's namespace. */
import type { Gateway } from "@tfgrid/web-gateway";
import type { Fault } from "../provisioning/model.ts";
import type { GatewayControl } from "./gateway-loop.ts";

/** What HAProxy's own health checks find is a matter of the moment and shows in its answers; reports tell what is configured. */
const MOMENTARY = new Set(["gateway.no_backend", "gateway.no_backends_yet", "gateway.namespace_missing"]);

export function linuxGateway(gateway: Pick<Gateway, "apply" | "traffic">, netnsOf: (znet: string) => string): GatewayControl {
  return {
    apply: async (routes) => {
      const wanted = routes.map(({ host, tls, solutionId, znet, backends }) => ({
        host,
        tls,
        backends: backends.map(({ name, ip, port }) => ({ id: `${solutionId}-${name}`, address: ip, port, namespace: netnsOf(znet) })),
      }));
      const status = await gateway.apply(wanted);
      const faults = status.routes.flatMap(({ host, code, message }) =>
        code === undefined || MOMENTARY.has(code) ? [] : [[host, { code, message: message ?? "" }] as const],
      );
      return new Map<string, Fault>(faults);
    },
    traffic: () => gateway.traffic(),
  };
}
