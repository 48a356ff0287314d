import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@tfgrid/primitives";
import { expect, it, onTestFinished } from "vitest";
import { startNotary } from "../../src/index.ts";
import { FakeChain } from "../helpers/fake-chain.ts";

it("lets web pages take part: preflight allowed, refusals readable", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "tfgrid-notary-"));
  const notary = await startNotary({ dataDir, host: "127.0.0.1", port: 0, chain: new FakeChain().reader(), logger: silentLogger });
  onTestFinished(async () => {
    await notary.stop();
    await rm(dataDir, { recursive: true });
  });
  const url = `${notary.endpoints.url}/documents/bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy`;
  const preflight = await fetch(url, { method: "OPTIONS", headers: { origin: "http://page.test", "access-control-request-method": "PUT" } });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-methods")).toContain("PUT");
  expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
  const refused = await fetch(url, { headers: { origin: "http://page.test" } });
  expect(refused.status).toBe(401);
  expect(refused.headers.get("access-control-allow-origin")).toBe("*");
});
