/** What strangers send: each gets a refusal with a code, and the server goes on. */
import { mkdtemp, rm } from "node:fs/promises";
import { EventEmitter } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import fc from "fast-check";
import { explorerErrors, startExplorer, type Explorer } from "../../src/index.ts";
import { openAnswers } from "../../src/rest/open-answers.ts";
import { isPublicAddress, publicRegistriesOnly, registryHost } from "../../src/rest/registries.ts";
import { createFakeChain, nodeOf } from "../support/fake-chain.ts";

const coded = (code: string): Error => expect.objectContaining({ code }) as Error;
let explorer: Explorer;
let folder: string;
const failures: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "explorer-"));
  const fake = createFakeChain();
  fake.nodes.set(1, nodeOf(1));
  const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: (message: string) => void failures.push(message), child: () => logger };
  explorer = await startExplorer({ chain: fake.client, dataDir: folder, host: "127.0.0.1", port: 0, logger });
});
afterAll(async () => {
  await explorer.stop();
  await rm(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Bytes as they are: no client of good manners in between. */
function raw(bytes: string | Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(explorer.endpoints.http).port), "127.0.0.1", () => socket.write(bytes));
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => (text += chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      const [head = "", ...rest] = text.split("\r\n\r\n");
      resolve({ status: Number(head.split(" ")[1]), body: rest.join("\r\n\r\n") });
    });
  });
}
const get = (path: string): Promise<Answer> => raw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);

function expectCoded({ status, body }: Answer, wanted: number): void {
  const { code, cure, error } = JSON.parse(body) as { readonly code: string; readonly cure: string; readonly error: string };
  expect([status, Object.keys(explorerErrors).includes(code), cure.length > 10, error.length > 3]).toEqual([wanted, true, true, true]);
}

describe("requests", () => {
  it.each([
    ["/%", 400],
    ["/nodes/1%", 400],
    [`/nodes/${"1".repeat(300)}`, 414],
    [`/nodes?country=${"x".repeat(2_000)}`, 400],
    [`/nodes?country=${"x".repeat(20_000)}`, 431],
    ["/nodes?size=-1", 400],
    ["/nodes?page=1e3", 400],
    ["/nodes?__proto__=1", 400],
    ["/nodes?sort_by=constructor", 400],
    [`/nodes?node_ids=${"1,".repeat(1_200)}`, 400],
    ["/nodes/99999999999999999999", 404],
    ["/events?from=x", 400],
  ])("for %s get a code", async (path, status) => {
    expectCoded(await get(path), status);
  });

  it.each([
    ["no HTTP", "\u0000\u0001garbage\r\n\r\n", 400],
    ["a broken chunk", "POST /nodes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n", 400],
    ["two lengths", "POST /nodes HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n", 400],
    ["endless headers", `GET /nodes HTTP/1.1\r\nhost: x\r\n${"x-a: 1\r\n".repeat(2_500)}\r\n`, 431],
  ])("of %s get a code", async (_what, bytes, status) => {
    expectCoded(await raw(bytes), status);
  });

  it.each(["//", "///", "//nowhere/x", "/%00", "/../../etc/passwd", "/.//elsewhere.test/"])("for %s are for nothing", async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it("of any words are answered, and none is a failure of ours", async () => {
    const word = fc.oneof(fc.constantFrom("nodes", "farms", "contracts", "twins", "solutions", "events", "stats", "api", "1", "..", "%", "%2f", "?", "&", "=", "size", "page"), fc.string({ unit: "grapheme-ascii", maxLength: 12 }));
    const path = fc.array(word, { maxLength: 8 }).map((words) => `/${words.join("/").replaceAll(" ", "+")}`);
    await fc.assert(fc.asyncProperty(path, async (wanted) => {
      const { status } = await get(wanted);
      expect(status).toBeGreaterThanOrEqual(200);
      expect(status).toBeLessThan(500);
    }), { numRuns: 300, seed: 20_261_123 });
    expect((await get("/nodes")).status).toBe(200);
    expect(failures).toEqual([]);
  });
});

describe("long answers", () => {
  it("on their way are bounded together; short ones always go out", () => {
    const answers = openAnswers(1_000);
    const slow = new EventEmitter();
    answers.take(900, slow as never);
    expect(() => answers.take(200, new EventEmitter() as never)).toThrow(coded("explorer.busy"));
    answers.take(50, new EventEmitter() as never);
    slow.emit("close");
    answers.take(900, new EventEmitter() as never);
  });
});

describe("registries that strangers may name", () => {
  const asked: string[] = [];
  const images = publicRegistriesOnly({
    images: { resolve: (reference) => Promise.resolve((asked.push(reference), "sha256:0")) },
    own: "registry.grid.test",
    addressesOf: (host) => {
      const known: Readonly<Record<string, readonly string[]>> = { "registry.test": ["203.0.113.7", "2001:db8::7"], "trap.test": ["203.0.113.7", "10.0.0.1"], "nothing.test": [] };
      const found = known[host];
      return found === undefined ? Promise.reject(new Error(`${host} is unknown`)) : Promise.resolve(found);
    },
  });
  const resolve = (reference: string): Promise<string> => images.resolve(reference, { signal: AbortSignal.timeout(60_000) });

  it.each(["web:1", "library/web", "registry.test/web:1", "registry.test:5000/team/web", "registry.grid.test/web:1", "203.0.113.9:443/x", "[2001:db8::9]:5000/x"])("may be asked: %s", async (reference) => {
    await resolve(reference);
    expect(asked.at(-1)).toBe(reference);
  });

  it.each(["localhost/x", "localhost:5000/x", "127.0.0.1:22/x", "10.1.2.3/x", "192.168.1.1:80/x", "169.254.169.254/x", "[::1]:80/x", "[fd00::1]/x", "[::ffff:10.0.0.1]/x", "trap.test/x", "nothing.test/x", "unknown.test/x", "0.0.0.0:1/x"])(
    "may not be asked: %s",
    async (reference) => {
      const before = asked.length;
      await expect(resolve(reference)).rejects.toThrow(coded("explorer.registry_not_public"));
      expect(asked).toHaveLength(before);
    },
  );

  it("are told from names without a host", () => {
    expect(["web", "team/web", "a.b/web", "a:5/web", "localhost/web"].map(registryHost)).toEqual([undefined, undefined, "a.b", "a", "localhost"]);
    expect(["8.8.8.8", "::", "172.15.0.1", "172.16.0.1", "2606:4700::1", "nonsense"].map(isPublicAddress)).toEqual([true, false, true, false, true, false]);
  });
});
