/** `healthcheck`, with `x-http` and `x-tcp` for checks that need no program inside the image. */
import type { Service } from "@tfgrid/notary";
import { DEFAULTS } from "../limits.ts";
import type { Context } from "./context.ts";
import { report } from "./problems.ts";
import { asBool, asInt, asText, asTexts, fields, type Fields } from "./reader.ts";
import type { Tree } from "./tree.ts";
import { asDuration } from "./values.ts";

type Healthcheck = Service["healthcheck"];
type HealthTest = NonNullable<Healthcheck>["test"];

const KEYS = ["test", "interval", "timeout", "retries", "start_period", "start_interval", "disable", "x-http", "x-tcp"];
const PORT = { min: 1, max: 65_535 };

export function readHealthcheck(context: Context, tree: Tree | undefined): Healthcheck {
  if (tree === undefined) return null;
  const map = fields(context, tree, { known: KEYS, section: "healthcheck" });
  if (map === undefined) return null;
  const timing = {
    intervalMs: atLeast(asDuration(context, map.get("interval")) ?? DEFAULTS.healthIntervalMs),
    timeoutMs: atLeast(asDuration(context, map.get("timeout")) ?? DEFAULTS.healthTimeoutMs),
    retries: asInt(context, map.get("retries"), { min: 1, max: 1000 }) ?? DEFAULTS.healthRetries,
    startPeriodMs: asDuration(context, map.get("start_period")) ?? 0,
    startIntervalMs: atLeast(asDuration(context, map.get("start_interval")) ?? DEFAULTS.healthStartIntervalMs),
  };
  const disabled = asBool(context, map.get("disable")) === true;
  const tests = ["test", "x-http", "x-tcp"].filter((key) => map.has(key));
  if (tests.length > 1) report(context, map, "it_contract.conflict", `write one of ${tests.join(", ")}`);
  if (disabled) return null;
  const test = readTest(context, map);
  return test === undefined ? null : { test, ...timing };
}

/** A check every 0 ms would keep a 3Node busy with nothing else. */
const atLeast = (ms: number): number => Math.max(ms, 100);

function readTest(context: Context, map: Fields): HealthTest | undefined {
  const http = map.get("x-http");
  if (http !== undefined) return httpTest(context, http);
  const tcp = map.get("x-tcp");
  if (tcp !== undefined) return tcpTest(context, tcp);
  const test = map.get("test");
  if (test === undefined) return report(context, map, "it_contract.missing_value", "write test, x-http or x-tcp (or disable: true)");
  return execTest(context, test);
}

/** `x-http: 8080/healthz` or `{port, path}`. */
function httpTest(context: Context, tree: Tree): HealthTest | undefined {
  if (tree.kind === "map") {
    const map = fields(context, tree, { known: ["port", "path"], section: "x-http", extensions: false });
    const port = asInt(context, map?.get("port"), PORT);
    const path = asText(context, map?.get("path")) ?? "/";
    if (map !== undefined && !map.has("port")) report(context, tree, "it_contract.missing_value", "port is missing");
    return port === undefined ? undefined : httpForm(context, tree, port, path);
  }
  const text = asText(context, tree);
  const match = /^:?(\d{1,5})(\/.*)?$/.exec(text ?? "");
  const port = Number(match?.[1]);
  if (match === null || port < 1 || port > 65_535) return report(context, tree, "it_contract.invalid_value", "expected PORT/PATH, for example 8080/healthz");
  return httpForm(context, tree, port, match[2] ?? "/");
}

function httpForm(context: Context, tree: Tree, port: number, path: string): HealthTest | undefined {
  // The path goes into a request line: blanks and line breaks would forge another request.
  if (!/^\/[\x21-\x7e]{0,2047}$/.test(path)) return report(context, tree, "it_contract.invalid_value", "the path begins with / and holds printable characters only");
  return { type: "http", port, path };
}

function tcpTest(context: Context, tree: Tree): HealthTest | undefined {
  const map = tree.kind === "map" ? fields(context, tree, { known: ["port"], section: "x-tcp", extensions: false }) : undefined;
  const source = tree.kind === "map" ? map?.get("port") : tree;
  if (source === undefined) return report(context, tree, "it_contract.missing_value", "port is missing");
  const port = asInt(context, source, PORT);
  return port === undefined ? undefined : { type: "tcp", port };
}

function execTest(context: Context, tree: Tree): HealthTest | undefined {
  if (tree.kind !== "list") {
    const text = asText(context, tree);
    return text === undefined ? undefined : shell(text);
  }
  const [form, ...rest] = asTexts(context, tree).map(({ text }) => text);
  if (form === "NONE" && rest.length === 0) return undefined;
  if (form === "CMD" && rest.length > 0) return { type: "exec", argv: rest };
  if (form === "CMD-SHELL" && rest.length === 1) return shell(rest[0] ?? "");
  return report(context, tree, "it_contract.invalid_value", 'expected ["CMD", program, ...], ["CMD-SHELL", line] or ["NONE"]');
}

const shell = (line: string): HealthTest => ({ type: "exec", argv: ["/bin/sh", "-c", line] });
