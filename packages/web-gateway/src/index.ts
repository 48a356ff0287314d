/** The web gateway: HAProxy driven from desired routes, on a gateway node. */
export { gatewayErrors } from "./errors.ts";
export { createGateway } from "./gateway.ts";
export { GATEWAY_LIMITS } from "./limits.ts";
export type { Gateway, GatewayBackend, GatewayOptions, GatewayRoute, GatewayStatus, RouteStatus } from "./types.ts";
