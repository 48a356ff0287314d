/** The door for browsers (package.json, condition `browser`): parser, documents and planner; no agent, no registry tool. */
export type { ReadFile } from "./compose/context.ts";
export type { ComposeDraft, DraftPlacement, DraftService } from "./compose/draft.ts";
export { parseEnvFile } from "./compose/env.ts";
export { composeJsonSchema } from "./compose/json-schema.ts";
export { parseCompose, type ParseComposeOptions, type ParseComposeResult } from "./compose/parse.ts";
export { formatProblem, type Problem } from "./compose/problems.ts";
export { type AgentKey, buildDocument, type BuildDocumentOptions, checkDocument, secretContext } from "./document/build.ts";
export { type ItContractCode, itContractErrors } from "./errors.ts";
export { fixedImageResolver, type ImageResolver, pinnedDigest } from "./images/resolver.ts";
export * from "./plan/index.ts";
