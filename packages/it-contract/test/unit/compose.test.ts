import { describe, expect, it } from "vitest";
import { composeJsonSchema, formatProblem, parseCompose, parseComposeOrThrow, unsupportedKeys } from "../../src/index.ts";

const parse = (text: string, environment: Record<string, string> = {}, files: Record<string, string> = {}) =>
  parseCompose({
    text,
    fileName: "compose.yaml",
    environment,
    readFile: async (path) => {
      const content = files[path];
      if (content === undefined) throw new Error("no such file");
      return new TextEncoder().encode(content);
    },
  });

const file = (service: string, rest = ""): string => `name: app
x-grid: { budget: 5 TFT/h }
services:
  web:
    image: nginx:1
${service.replace(/^(?=.)/gm, "    ")}
${rest}`;

async function draftOf(text: string, environment = {}, files = {}) {
  const result = await parse(text, environment, files);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.draft;
}
const serviceOf = async (service: string, rest = "", environment = {}, files = {}) => (await draftOf(file(service, rest), environment, files)).services[0]!;

async function problemsOf(text: string, environment = {}) {
  const result = await parse(text, environment);
  expect(result.ok).toBe(false);
  return result.ok ? [] : result.problems;
}

describe("a Compose file", () => {
  it("gets the defaults of Compose and of the grid", async () => {
    expect(await draftOf(file(""))).toMatchObject({
      name: "app",
      budgetPerHourUnits: 50_000_000n,
      networks: [{ name: "default", internal: false }],
      services: [
        {
          name: "web",
          imageReference: "nginx:1",
          replicas: 1,
          entrypoint: [],
          command: [],
          healthcheck: null,
          onNodeLoss: "replace",
          restart: { condition: "any" },
          networks: [{ name: "default", aliases: [] }],
          update: { order: "stop-first", parallelism: 1, failureAction: "pause" },
        },
      ],
    });
  });

  it.each([
    ['command: echo "a b" c\\ d \'e f\'', { command: ["echo", "a b", "c d", "e f"] }],
    ["command: [sh, -c, exit]", { command: ["sh", "-c", "exit"] }],
    ["entrypoint: /bin/app --flag", { entrypoint: ["/bin/app", "--flag"] }],
    ["environment: { A: 1.10, B: true, C: 'x y' }", { environment: { A: "1.10", B: "true", C: "x y" } }],
    ["environment: [A=1, B=x=y, C]", { environment: { A: "1", B: "x=y", C: "inherited" } }],
    ["environment: { C: }", { environment: { C: "inherited" } }],
    ["user: 1000:1000", { user: "1000:1000" }],
    ["working_dir: /srv", { workingDir: "/srv" }],
    ["restart: \"no\"", { restart: { condition: "none" } }],
    ["restart: on-failure:3", { restart: { condition: "on-failure", maxAttempts: 3 } }],
    ["stop_signal: term", { stopSignal: "SIGTERM" }],
    ["stop_grace_period: 1m30s", { stopGraceMs: 90_000 }],
    ["read_only: true", { readOnlyRootfs: true }],
    ["scale: 3", { replicas: 3 }],
    ["scale: ${N}", { replicas: 7 }],
    ["storage_opt: { size: 2g }", { resources: { rootfsBytes: 2 * 2 ** 30 } }],
    ["deploy: { resources: { limits: { cpus: 0.5, memory: 1.5g, pids: 10 } } }", { resources: { cpuMilli: 500, memoryBytes: 1.5 * 2 ** 30, pids: 10 } }],
    ["deploy: { update_config: { parallelism: 0, order: start-first, monitor: 2s } }", { update: { parallelism: 100, order: "start-first", monitorMs: 2_000 } }],
    ["healthcheck: { test: curl -f localhost }", { healthcheck: { test: { type: "exec", argv: ["/bin/sh", "-c", "curl -f localhost"] }, retries: 3 } }],
    ["healthcheck: { test: [CMD, /probe, x] }", { healthcheck: { test: { type: "exec", argv: ["/probe", "x"] } } }],
    ["healthcheck: { test: [NONE] }", { healthcheck: null }],
    ["healthcheck: { disable: true }", { healthcheck: null }],
    ["healthcheck: { x-http: 8080/healthz, interval: 5s }", { healthcheck: { test: { type: "http", port: 8080, path: "/healthz" }, intervalMs: 5_000 } }],
    ["healthcheck: { x-tcp: 5432 }", { healthcheck: { test: { type: "tcp", port: 5432 } } }],
    ["tmpfs: [/run, \"/tmp:size=1m\"]", { mounts: [{ type: "tmpfs", target: "/run" }, { type: "tmpfs", target: "/tmp", sizeBytes: 2 ** 20 }] }],
    ["labels: [a=b]", { labels: { a: "b" } }],
    ["x-grid: { isolation: microvm, on_node_loss: wait, placement: { countries: Belgium, certified: yes, farms: [1, acme] } }", { isolation: "microvm", onNodeLoss: "wait", placement: { countries: ["Belgium"], certifiedOnly: true, farms: [1, "acme"] } }],
    ["x-anything: { is: ignored }", { name: "web" }],
  ])("reads %s", async (service, expected) => {
    expect(await serviceOf(service, "", { C: "inherited", N: "7" })).toMatchObject(expected);
  });

  it("reads named volumes, which make a service wait for its node", async () => {
    const draft = await draftOf(file("volumes: ['db_data:/data:ro', { type: volume, source: logs, target: /logs }]", "volumes: { db_data: { x-size: 2g }, logs: { driver_opts: { size: 1g } } }"));
    expect(draft.volumes).toEqual([{ name: "db-data", sizeBytes: 2 ** 31, kind: "ssd" }, { name: "logs", sizeBytes: 2 ** 30, kind: "ssd" }]);
    expect(draft.services[0]).toMatchObject({ onNodeLoss: "wait", mounts: [{ source: "db-data", target: "/data", readOnly: true }, { source: "logs" }] });
  });

  it("reads configs and secrets from content, files and variables", async () => {
    const rest = "configs: { c: { content: 'hi ${WHO}' } }\nsecrets: { db_password: { file: ./pw }, t: { environment: WHO } }";
    const service = "configs: [{ source: c, target: /etc/c, mode: 0440, uid: '5' }]\nsecrets: [db_password, t]";
    const draft = await draftOf(file(service, rest), { WHO: "you" }, { "./pw": "secret\n" });
    expect(draft.configs).toEqual([{ name: "c", content: Buffer.from("hi you").toString("hex") }]);
    expect(draft.secrets.map(({ name, content }) => [name, Buffer.from(content).toString()])).toEqual([["db-password", "secret\n"], ["t", "you"]]);
    expect(draft.services[0]).toMatchObject({ configs: [{ target: "/etc/c", mode: 0o440, uid: 5 }], secrets: [{ source: "db-password", target: "/run/secrets/db_password", mode: 0o444 }, { source: "t" }] });
  });

  it("reads env files, later ones over earlier ones and environment over all", async () => {
    const service = "env_file: [a.env, { path: none.env, required: false }, b.env]\nenvironment: { C: '3' }";
    const files = { "a.env": "# note\nexport A=1 # one\nB=\"x\\ny ${A}\"\nC=0\n", "b.env": "A=2\nD='$lit'\n" };
    expect((await serviceOf(service, "", {}, files)).environment).toEqual({ A: "2", B: "x\ny 1", C: "3", D: "$lit" });
  });

  it("expands anchors and merge keys", async () => {
    const text = `name: app
x-grid: { budget: 1 }
x-base: &base { image: nginx:1, user: "5", environment: { A: "1" } }
services:
  one: { <<: *base, user: "6" }
  two: *base`;
    expect((await draftOf(text)).services).toMatchObject([{ name: "one", user: "6", environment: { A: "1" } }, { name: "two", user: "5" }]);
  });

  it("reads x-grid with signers and x-ingress in both places", async () => {
    const text = `name: app
x-grid:
  budget: 2.5 TFT/h
  deposit: 100
  agent: 9
  signers: [{ twin: 1, weight: 2 }, 3]
  threshold: { provision: 2, delete: 3 }
x-ingress: { service: web, port: 80, name: app, tls: redirect }
services:
  web: { image: "nginx:1", x-ingress: [{ port: 81, name: app-admin }] }`;
    expect(await draftOf(text)).toMatchObject({
      budgetPerHourUnits: 25_000_000n,
      depositUnits: 1_000_000_000n,
      agentTwinId: 9,
      signers: [{ twinId: 1, weight: 2 }, { twinId: 3, weight: 1 }],
      thresholds: { provision: 2, amend: 2, delete: 3 },
      ingress: [{ service: "web", port: 80, name: "app", tls: "redirect", network: "default" }, { service: "web", port: 81, name: "app-admin", tls: "both" }],
    });
  });

  it("gives networks stable private ranges that do not move when one is added", async () => {
    const two = await draftOf(file("networks: [a, b]", "networks: { a: , b: { internal: true } }"));
    const three = await draftOf(file("networks: { a: { aliases: [w] }, b: , c: }", "networks: { a: , b: { internal: true }, c: { ipam: { config: [{ subnet: 10.9.0.0/16 }] } } }"));
    expect(three.networks.slice(0, 2)).toEqual(two.networks);
    expect(three.networks[2]).toEqual({ name: "c", cidr: "10.9.0.0/16", internal: false });
    expect(new Set(three.networks.map((network) => network.cidr)).size).toBe(3);
  });
});

describe("a Compose file with mistakes", () => {
  const serviceKeys = Object.keys(unsupportedKeys["service"] ?? {});
  it("has a reason for every service key of the specification that is not supported", () => {
    expect(serviceKeys).toEqual(expect.arrayContaining(["build", "ports", "network_mode", "privileged", "cap_add", "devices", "init", "extends", "profiles", "links", "expose"]));
  });

  it.each(serviceKeys)("refuses services.web.%s by key, file and line", async (key) => {
    const [problem, ...more] = await problemsOf(file(`${key}: x`));
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: "it_contract.unsupported_key", path: `services.web.${key}`, file: "compose.yaml", line: 6, column: 5 });
    expect(problem?.message).toMatch(/^unsupported: .{10}/);
  });

  it.each([
    ["colour: red", "it_contract.unknown_key", /unknown key colour/],
    ["comand: x", "it_contract.unknown_key", /did you mean command/],
    ["volumes: ['./src:/app']", "it_contract.unsupported_key", /bind mount of \.\/src/],
    ["volumes: [{ type: bind, source: /etc, target: /etc }]", "it_contract.unsupported_key", /bind mount/],
    ["volumes: ['/data']", "it_contract.unsupported_key", /without a name/],
    ["volumes: ['nope:/data']", "it_contract.unknown_reference", /volume nope/],
    ["networks: [nope]", "it_contract.unknown_reference", /network nope/],
    ["secrets: [nope]", "it_contract.unknown_reference", /secret nope/],
    ["depends_on: [nope]", "it_contract.unknown_reference", /no service is called nope/],
    ["depends_on: [web]", "it_contract.conflict", /itself/],
    ["command: []", "it_contract.unsupported_key", /empty command/],
    ["command: 'a \"b'", "it_contract.invalid_value", /not closed/],
    ["scale: lots", "it_contract.invalid_value", /whole number/],
    ["scale: 2\ndeploy: { replicas: 3 }", "it_contract.conflict", /scale is 2/],
    ["deploy: { mode: global }", "it_contract.unsupported_key", /mode replicated/],
    ["deploy: { placement: { constraints: [] } }", "it_contract.unsupported_key", /x-grid.placement/],
    ["deploy: { resources: { reservations: { cpus: 1 } } }", "it_contract.unsupported_key", /use limits/],
    ["deploy: { resources: { limits: { memory: 1k } } }", "it_contract.invalid_value", /at least 6m/],
    ["deploy: { update_config: { failure_action: rollback } }", "it_contract.conflict", /start-first/],
    ["healthcheck: { interval: 5s }", "it_contract.missing_value", /write test/],
    ["healthcheck: { x-http: '80/a b' }", "it_contract.invalid_value", /printable/],
    ["healthcheck: { test: [NOPE] }", "it_contract.invalid_value", /CMD-SHELL/],
    ["stop_grace_period: 10", "it_contract.invalid_value", /duration/],
    ["x-grid: { budgett: 1 }", "it_contract.unknown_key", /budgett/],
    ["x-ingress: { port: 80, name: a, x-y: 1 }", "it_contract.unknown_key", /x-y/],
    ["x-ingress: { port: 80 }", "it_contract.missing_value", /name is missing/],
    ["working_dir: srv", "it_contract.invalid_value", /absolute path/],
    ["environment: { A: '${NOPE:?set it}' }", "it_contract.unset_variable", /set it/],
    ["environment: { A: '${NO' }", "it_contract.invalid_value", /closing/],
  ])("refuses %s", async (service, code, message) => {
    const [problem] = await problemsOf(file(service));
    expect(problem).toMatchObject({ code, file: "compose.yaml", line: expect.toSatisfy((line: number) => line >= 4) });
    expect(problem?.message).toMatch(message);
  });

  it.each([
    ["services: {}", "it_contract.missing_value"],
    ["name: A B\nservices: { a: { image: b } }\nx-grid: { budget: 1 }", "it_contract.invalid_value"],
    ["services: { a_b: { image: b } }\nname: x\nx-grid: { budget: 1 }", "it_contract.invalid_value"],
    ["services: { a: { image: b } }\nname: x", "it_contract.missing_value"],
    ["services: { a: { image: b } }\nname: x\nx-grid: { budget: 0 }", "it_contract.invalid_value"],
    ["a: b: c", "it_contract.invalid_yaml"],
    ["a: 1\na: 2", "it_contract.invalid_yaml"],
    ["", "it_contract.missing_value"],
    ["[]", "it_contract.invalid_value"],
    ["services: *nope", "it_contract.invalid_yaml"],
  ])("refuses %j", async (text, code) => {
    expect((await problemsOf(text)).map((problem) => problem.code)).toContain(code);
  });

  it("tells all problems at once, in the order of the lines", async () => {
    const problems = await problemsOf(file("privileged: true\nports: ['80:80']\nscale: x\ndepends_on: [gone]", "networks: { default: { driver: bridge } }"));
    expect(problems.map((problem) => problem.line)).toEqual([6, 7, 8, 9, 10]);
    await expect(parseComposeOrThrow({ text: file("privileged: true\nscale: x"), fileName: "f", environment: {}, readFile: () => Promise.reject(new Error()) })).rejects.toMatchObject({
      code: "it_contract.invalid_file",
      message: expect.stringMatching(/services\.web\.privileged, f:6:5: unsupported: .*\n.*services\.web\.scale, f:7:12/),
    });
  });

  it("refuses dependencies that can never be met", async () => {
    const text = (a: string, b: string) => `name: x\nx-grid: { budget: 1 }\nservices:\n  a: { image: i, ${a} }\n  b: { image: i, ${b} }`;
    expect((await problemsOf(text("depends_on: [b]", "depends_on: [a]")))[0]?.message).toMatch(/back to itself/);
    expect((await problemsOf(text("depends_on: { b: { condition: service_healthy } }", "restart: always")))[0]?.message).toMatch(/no healthcheck/);
    expect((await problemsOf(text("depends_on: { b: { condition: service_completed_successfully } }", "restart: always")))[0]?.message).toMatch(/always restarts/);
  });

  it("stops alias bombs, deep nesting and huge files with coded errors", async () => {
    const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]", ..."bcdefgh".split("").map((name, index) => `${name}: &${name} [${Array(10).fill(`*${"abcdefgh"[index]}`).join(",")}]`)].join("\n");
    expect((await problemsOf(bomb)).map((problem) => problem.code)).toContain("it_contract.too_large");
    expect((await problemsOf(`a: ${"[".repeat(60)}${"]".repeat(60)}`)).map((problem) => problem.code)).toContain("it_contract.too_deep");
    const [deep] = await problemsOf(`a: ${"[".repeat(100_000)}`);
    expect(["it_contract.too_deep", "it_contract.invalid_yaml"]).toContain(deep?.code);
    expect((await problemsOf(`# ${"x".repeat(600_000)}`))[0]?.code).toBe("it_contract.too_large");
    expect((await problemsOf(`a: &a [*a]`))[0]?.code).toBe("it_contract.too_deep");
  });
});

describe("the JSON Schema for editors", () => {
  it("knows every key that the reader accepts and no other", () => {
    const schema = composeJsonSchema() as { properties: { services: { additionalProperties: { properties: object; additionalProperties: boolean } } } };
    const service = schema.properties.services.additionalProperties;
    expect(service.additionalProperties).toBe(false);
    expect(Object.keys(service.properties)).toEqual(expect.arrayContaining(["image", "x-ingress", "storage_opt"]));
    for (const key of Object.keys(unsupportedKeys["service"] ?? {})) expect(service.properties).not.toHaveProperty(key);
  });
});
