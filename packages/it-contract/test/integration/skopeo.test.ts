import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesToHex, sha256, utf8 } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skopeoImageResolver } from "../../src/index.ts";

const MANIFEST = JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] });
const folder = mkdtempSync(join(tmpdir(), "it-contract-"));
const registriesConf = join(folder, "registries.conf");
const signal = new AbortController().signal;
let server: Server;
let host: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = (status: number, body: string, type = "application/json"): void => {
      response.writeHead(status, { "content-type": type, "docker-distribution-api-version": "registry/2.0" });
      response.end(body);
    };
    if (request.url === "/v2/") answer(200, "{}");
    else if (request.url === "/v2/web/manifests/1") answer(200, MANIFEST, "application/vnd.oci.image.index.v1+json");
    else if (request.url?.startsWith("/v2/private/") === true) answer(403, JSON.stringify({ errors: [{ code: "DENIED", message: "requested access to the resource is denied" }] }));
    else answer(404, JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(registriesConf, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe("images are pinned by skopeo", () => {
  const resolver = skopeoImageResolver({ registriesConf });
  it("by the digest of the manifest's bytes", async () => {
    await expect(resolver.resolve(`${host}/web:1`, { signal })).resolves.toBe(`sha256:${bytesToHex(sha256(utf8(MANIFEST)))}`);
  });
  it("at once when the reference carries a digest", async () => {
    const digest = `sha256:${"ab".repeat(32)}`;
    await expect(resolver.resolve(`nowhere.invalid/web@${digest}`, { signal })).resolves.toBe(digest);
  });
  it.each([
    ["web:2", "it_contract.image_not_found"],
    ["private/web:1", "it_contract.image_denied"],
  ])("and %s is refused with %s", async (name, code) => {
    await expect(resolver.resolve(`${host}/${name}`, { signal })).rejects.toMatchObject({ code });
  });
  it("and tells an unreachable registry and a missing tool apart", async () => {
    await expect(resolver.resolve("127.0.0.1:1/web:1", { signal })).rejects.toMatchObject({ code: "it_contract.registry_unreachable" });
    await expect(skopeoImageResolver({ program: "/nonexistent" }).resolve(`${host}/web:1`, { signal })).rejects.toMatchObject({ code: "it_contract.image_tool_failed" });
  });
});
