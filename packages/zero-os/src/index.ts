/** Zero-OS, the 3Node: capacity, storage, compute, provisioning, reporting. */
export { type NodeConfig, nodeConfig, parseNodeConfig, readNodeConfig } from "./agent/config.ts";
export { type RunningNode, startNode, type StartNodeOptions } from "./agent/linux-node.ts";
export { teardownNode, type TeardownOptions } from "./agent/teardown.ts";
export { nodeErrors } from "./errors.ts";
export { computeErrors, storageErrors } from "./drivers/index.ts";
export { NODE_LIMITS } from "./limits.ts";
export type * from "./ports.ts";
/** OCI images made of files of this machine: for examples and tests that have no registry to pull from. */
export * as imageBuilder from "./image-builder/oci-image.ts";
