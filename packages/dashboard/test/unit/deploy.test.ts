import { describe, expect, it } from "vitest";
import { exampleCompose } from "../../src/deploy/example.ts";
import { sortFiles } from "../../src/deploy/files.ts";
import { check } from "../../src/deploy/validate.ts";

const given = { fileName: "compose.yaml", environment: undefined, files: new Map<string, Uint8Array>() };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const file = (name: string, text: string) => ({ name, arrayBuffer: () => Promise.resolve(bytes(text).slice().buffer) });

describe("checking in the page", () => {
  it.each([undefined, "registry.test"])("takes its own example (registry %s)", async (registry) => {
    const { draft, problems } = await check({ ...given, text: exampleCompose(registry) });
    expect(problems).toEqual([]);
    expect(draft?.services.map(({ name, replicas }) => [name, replicas])).toEqual([["web", 2], ["store", 1]]);
  });

  it("gives key, line and cure of every problem", async () => {
    const { draft, problems } = await check({ ...given, text: "name: x\nservices:\n  web:\n    image: a\n    privileged: true\n" });
    expect(draft).toBeUndefined();
    expect(problems).toContainEqual(expect.objectContaining({ key: "services.web.privileged", line: 5, code: "it_contract.unsupported_key", cure: expect.stringContaining("Remove") }));
    expect(problems).toContainEqual(expect.objectContaining({ code: "it_contract.missing_value" }));
  });

  it("reads variables and files that were given with it, and says which is missing", async () => {
    const text = "name: ${NAME}\nx-grid:\n  budget: 1 TFT/h\nservices:\n  web:\n    image: a:1\n    configs:\n      - app\nconfigs:\n  app:\n    file: ./conf/app.json\n";
    const missing = await check({ ...given, environment: "NAME=shop", text });
    expect(missing.problems.map(({ code }) => code)).toEqual(["it_contract.file_unreadable"]);
    const whole = await check({ ...given, environment: "NAME=shop", files: new Map([["app.json", bytes("{}")]]), text });
    expect([whole.problems, whole.draft?.name]).toEqual([[], "shop"]);
  });

  it("refuses a broken .env instead of ignoring it", async () => {
    const { draft, problems } = await check({ ...given, environment: "=x", text: exampleCompose("registry.test") });
    expect(draft).toBeUndefined();
    expect(problems[0]).toMatchObject({ key: ".env", line: 1 });
  });
});

it("tells the Compose file, the variables and other files apart", async () => {
  const sorted = await sortFiles([file("config.yaml", "c"), file(".env", "A=1"), file("docker-compose.yml", "name: x"), file("app.json", "{}")]);
  expect([sorted.compose, sorted.composeName, sorted.environment, [...sorted.others.keys()]]).toEqual(["name: x", "docker-compose.yml", "A=1", ["config.yaml", "app.json"]]);
});
