/** Zero-OS, the 3Node: capacity, storage, compute, provisioning, reporting. */
export { type NodeConfig, nodeConfig, parseNodeConfig, readNodeConfig } from "./agent/config.ts";
export { teardownNode, type TeardownOptions } from "./agent/teardown.ts";
export { nodeErrors } from "./errors.ts";
export { NODE_LIMITS } from "./limits.ts";
export type * from "./ports.ts";
export * as imageBuilder from "./testing/oci-image.ts";
