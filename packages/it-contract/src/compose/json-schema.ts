/** JSON Schema of the accepted format, for editors (`# yaml-language-server: $schema=...`). */
import { SERVICE_KEYS } from "./service.ts";
import { ROOT_KEYS } from "./parse.ts";

type Json = Readonly<Record<string, unknown>>;

const text: Json = { type: "string" };
const scalar: Json = { type: ["string", "number", "boolean", "null"] };
const bool: Json = { type: ["boolean", "string"] };
const whole: Json = { type: ["integer", "string"] };
const duration: Json = { type: "string", pattern: "^(\\d+(\\.\\d+)?(us|ms|s|m|h|d))+$|\\$", description: "1m30s, 500ms" };
const size: Json = { type: ["string", "integer"], description: "512m, 2g" };
const label: Json = { type: "string", pattern: "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$" };
const words: Json = { oneOf: [text, list(text)] };
const pairs: Json = { oneOf: [{ type: "object", additionalProperties: scalar }, list(text)] };

function list(items: Json): Json {
  return { type: "array", items };
}
function map(properties: Readonly<Record<string, Json>>, options: { readonly strict?: boolean; readonly required?: readonly string[] } = {}): Json {
  return {
    type: "object",
    properties,
    additionalProperties: false,
    ...(options.strict === true ? {} : { patternProperties: { "^x-": {} } }),
    ...(options.required === undefined ? {} : { required: options.required }),
  };
}
const named = (value: Json): Json => ({ type: "object", additionalProperties: value });
const oneOf = (...values: readonly string[]): Json => ({ enum: values });

const placement = map(
  {
    countries: words,
    certified: bool,
    min_reputation: whole,
    farms: { oneOf: [scalar, list(scalar)] },
    nodes: { oneOf: [whole, list(whole)] },
    spread: oneOf("node", "farm", "none"),
  },
  { strict: true },
);
const onNodeLoss = { ...oneOf("replace", "wait"), description: "wait: the service stays with its node (default where it has a volume)" };
const fileMount = { oneOf: [text, map({ source: text, target: text, uid: whole, gid: whole, mode: { type: ["string", "integer"] } })] };

const ingress = (withService: boolean): Json =>
  map(
    { ...(withService ? { service: label } : {}), port: whole, name: label, network: text, tls: oneOf("both", "redirect", "passthrough") },
    { strict: true, required: ["port", "name", ...(withService ? ["service"] : [])] },
  );

const deploy = map({
  mode: oneOf("replicated"),
  replicas: whole,
  resources: map({ limits: map({ cpus: { type: ["string", "number"] }, memory: size, pids: whole }) }),
  restart_policy: map({ condition: oneOf("none", "on-failure", "any"), delay: duration, max_attempts: whole, window: duration }),
  update_config: map({
    parallelism: whole,
    delay: duration,
    order: oneOf("start-first", "stop-first"),
    failure_action: oneOf("pause", "rollback", "continue"),
    monitor: duration,
  }),
});

const healthcheck = map({
  test: words,
  "x-http": { oneOf: [text, map({ port: whole, path: text }, { strict: true, required: ["port"] })] },
  "x-tcp": { oneOf: [whole, map({ port: whole }, { strict: true, required: ["port"] })] },
  interval: duration,
  timeout: duration,
  retries: whole,
  start_period: duration,
  start_interval: duration,
  disable: bool,
});

const serviceProperties: Readonly<Record<(typeof SERVICE_KEYS)[number], Json>> = {
  image: text,
  command: words,
  entrypoint: words,
  environment: pairs,
  env_file: { oneOf: [text, list({ oneOf: [text, map({ path: text, required: bool, format: oneOf("raw") }, { required: ["path"] })] })] },
  user: { type: ["string", "integer"] },
  working_dir: text,
  volumes: list({
    oneOf: [
      { type: "string", description: "VOLUME:/PATH[:ro]" },
      map({ type: oneOf("volume", "tmpfs"), source: text, target: text, read_only: bool, volume: map({}), tmpfs: map({ size }) }, { required: ["type", "target"] }),
    ],
  }),
  tmpfs: words,
  networks: { oneOf: [list(text), named({ oneOf: [{ type: "null" }, map({ aliases: list(label) })] })] },
  depends_on: { oneOf: [list(label), named(map({ condition: oneOf("service_started", "service_healthy", "service_completed_successfully") }))] },
  healthcheck,
  deploy,
  scale: whole,
  restart: text,
  secrets: list(fileMount),
  configs: list(fileMount),
  hostname: label,
  labels: pairs,
  read_only: bool,
  stop_signal: text,
  stop_grace_period: duration,
  storage_opt: map({ size }),
  "x-grid": map({ placement, on_node_loss: onNodeLoss, isolation: oneOf("container", "microvm") }, { strict: true }),
  "x-ingress": { oneOf: [ingress(false), list(ingress(false))] },
};

const grid = map(
  {
    budget: { type: ["string", "number"], description: "5 TFT/h: what the solution may cost at most" },
    deposit: { type: ["string", "number"] },
    placement,
    signers: list({ oneOf: [whole, map({ twin: whole, weight: whole }, { strict: true, required: ["twin"] })] }),
    threshold: { oneOf: [whole, map({ provision: whole, amend: whole, delete: whole }, { strict: true })] },
    agent: whole,
    on_node_loss: onNodeLoss,
  },
  { strict: true, required: ["budget"] },
);

const nullable = (value: Json): Json => ({ oneOf: [{ type: "null" }, value] });

const rootProperties: Readonly<Record<(typeof ROOT_KEYS)[number], Json>> = {
  name: label,
  version: { type: "string", description: "obsolete, without meaning" },
  services: named(map(serviceProperties, { required: ["image"] })),
  networks: named(nullable(map({ internal: bool, ipam: map({ config: list(map({ subnet: text })) }) }))),
  volumes: named(nullable(map({ driver: oneOf("local"), driver_opts: map({ size }), "x-size": size, "x-kind": oneOf("ssd", "hdd") }))),
  configs: named(map({ content: text, file: text, environment: text })),
  secrets: named(map({ file: text, environment: text })),
  "x-grid": grid,
  "x-ingress": { oneOf: [ingress(true), list(ingress(true))] },
};

export function composeJsonSchema(): Json {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Smart contract for IT: the Compose keys that the grid carries out",
    ...map(rootProperties, { required: ["services", "x-grid"] }),
  };
}
