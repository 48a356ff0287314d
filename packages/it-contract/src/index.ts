/** Smart contract for IT: Compose files, the solution document, the planner, and the agent that carries it out. */
export type { ReadFile } from "./compose/context.ts";
export type { ComposeDraft, DraftPlacement, DraftService } from "./compose/draft.ts";
export { composeJsonSchema } from "./compose/json-schema.ts";
export { parseEnvFile } from "./compose/env.ts";
export { interpolate, type Interpolated, type Variables } from "./compose/interpolate.ts";
export { parseCompose, parseComposeOrThrow, type ParseComposeOptions, type ParseComposeResult } from "./compose/parse.ts";
export { formatProblem, type Problem, problemsError } from "./compose/problems.ts";
export { unsupportedKeys } from "./compose/unsupported.ts";
export { type AgentKey, buildDocument, type BuildDocumentOptions, checkDocument, secretContext } from "./document/build.ts";
export { type ItContractCode, itContractErrors } from "./errors.ts";
export { fixedImageResolver, type ImageResolver, pinnedDigest } from "./images/resolver.ts";
export { skopeoImageResolver, type SkopeoOptions } from "./images/skopeo.ts";
export * from "./plan/index.ts";
export { type Agent, type AgentOptions, startAgent } from "./agent/agent.ts";
