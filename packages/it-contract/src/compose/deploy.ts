/** `deploy`, `restart`, `scale` and `storage_opt`: how many, how large, how they restart and how they are updated. */
import type { Service } from "@tfgrid/notary";
import { DEFAULTS } from "../limits.ts";
import { DOCUMENT_BOUNDS } from "./bounds.ts";
import type { Context } from "./context.ts";
import { report } from "./problems.ts";
import { asInt, asOneOf, asText, fields, type Fields } from "./reader.ts";
import type { Tree } from "./tree.ts";
import { asBytes, asCpuMilli, asDuration } from "./values.ts";

export type DeployPart = Pick<Service, "replicas" | "resources" | "restart" | "update">;
type Restart = Service["restart"];

const MIN_MEMORY = { min: 6 * 1024 * 1024, minText: "6m" };
const MIN_ROOTFS = { min: 16 * 1024 * 1024, minText: "16m" };

export function readDeploy(context: Context, service: Fields): DeployPart {
  const tree = service.get("deploy");
  const known = ["mode", "replicas", "resources", "restart_policy", "update_config"];
  const deploy = tree === undefined ? undefined : fields(context, tree, { known, section: "deploy" });
  if (asOneOf(context, deploy?.get("mode"), ["replicated", "global", "replicated-job", "global-job"]) !== "replicated" && deploy?.has("mode") === true)
    report(context, deploy.get("mode") ?? deploy, "it_contract.unsupported_key", "unsupported: only mode replicated; say how many with replicas");
  return {
    replicas: readReplicas(context, service, deploy),
    resources: readResources(context, service, deploy?.get("resources")),
    restart: readRestart(context, service.get("restart"), deploy?.get("restart_policy")),
    update: readUpdate(context, deploy?.get("update_config")),
  };
}

function readReplicas(context: Context, service: Fields, deploy: Fields | undefined): number {
  const range = { min: 0, max: DOCUMENT_BOUNDS.replicasPerService };
  const scale = asInt(context, service.get("scale"), range);
  const replicas = asInt(context, deploy?.get("replicas"), range);
  if (scale !== undefined && replicas !== undefined && scale !== replicas)
    report(context, service.get("scale") ?? service, "it_contract.conflict", `scale is ${scale} but deploy.replicas is ${replicas}`);
  return replicas ?? scale ?? 1;
}

function readResources(context: Context, service: Fields, tree: Tree | undefined): Service["resources"] {
  const resources = tree === undefined ? undefined : fields(context, tree, { known: ["limits"], section: "resources" });
  const limitsTree = resources?.get("limits");
  const limits = limitsTree === undefined ? undefined : fields(context, limitsTree, { known: ["cpus", "memory", "pids"], section: "limits" });
  const storage = service.get("storage_opt");
  const rootfs = storage === undefined ? undefined : fields(context, storage, { known: ["size"], section: "storage_opt" });
  return {
    cpuMilli: asCpuMilli(context, limits?.get("cpus")) ?? DEFAULTS.cpuMilli,
    memoryBytes: asBytes(context, limits?.get("memory"), MIN_MEMORY) ?? DEFAULTS.memoryBytes,
    pids: asInt(context, limits?.get("pids"), { min: 1, max: 100_000 }) ?? DEFAULTS.pids,
    rootfsBytes: asBytes(context, rootfs?.get("size"), MIN_ROOTFS) ?? DEFAULTS.rootfsBytes,
  };
}

/** Without a word about it a zmachine restarts always: an architecture heals itself. `deploy.restart_policy` goes before `restart`. */
function readRestart(context: Context, restart: Tree | undefined, policy: Tree | undefined): Restart {
  const short = readShortRestart(context, restart);
  if (policy === undefined) return short;
  const map = fields(context, policy, { known: ["condition", "delay", "max_attempts", "window"], section: "restart_policy" });
  return {
    condition: asOneOf(context, map?.get("condition"), ["none", "on-failure", "any"]) ?? "any",
    delayMs: asDuration(context, map?.get("delay")) ?? DEFAULTS.restartDelayMs,
    maxAttempts: asInt(context, map?.get("max_attempts"), { min: 0, max: 1_000_000 }) ?? 0,
    windowMs: asDuration(context, map?.get("window")) ?? 0,
  };
}

function readShortRestart(context: Context, tree: Tree | undefined): Restart {
  const form = (condition: Restart["condition"], maxAttempts = 0): Restart => ({ condition, delayMs: DEFAULTS.restartDelayMs, maxAttempts, windowMs: 0 });
  // YAML 1.2 reads `no` as text, older habits write false.
  const text = asText(context, tree);
  if (text === undefined || tree === undefined || text === "always" || text === "unless-stopped") return form("any");
  if (text === "no" || text === "false") return form("none");
  const attempts = /^on-failure(?::(\d{1,6}))?$/.exec(text);
  if (attempts !== null) return form("on-failure", Number(attempts[1] ?? 0));
  report(context, tree, "it_contract.invalid_value", 'expected "no", always, on-failure, on-failure:N or unless-stopped');
  return form("any");
}

function readUpdate(context: Context, tree: Tree | undefined): Service["update"] {
  const known = ["parallelism", "delay", "order", "failure_action", "monitor"];
  const map = tree === undefined ? undefined : fields(context, tree, { known, section: "update_config" });
  const parallelism = asInt(context, map?.get("parallelism"), { min: 0, max: 100 }) ?? 1;
  return {
    // 0 means all at once in Compose.
    parallelism: parallelism === 0 ? 100 : parallelism,
    delayMs: asDuration(context, map?.get("delay")) ?? 0,
    order: asOneOf(context, map?.get("order"), ["start-first", "stop-first"]) ?? "stop-first",
    failureAction: asOneOf(context, map?.get("failure_action"), ["pause", "rollback", "continue"]) ?? "pause",
    monitorMs: asDuration(context, map?.get("monitor")) ?? DEFAULTS.updateMonitorMs,
  };
}
