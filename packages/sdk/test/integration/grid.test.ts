/** Chain, notary and relay as real servers, two twins with this client. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRelay } from "@tfgrid/messaging";
import { documents, startNotary } from "@tfgrid/notary";
import { silentLogger, type TwinId } from "@tfgrid/primitives";
import { testing } from "@tfgrid/tfchain";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectGrid, type Grid, nodeApi } from "../../src/index.ts";

let closers: (() => Promise<unknown>)[] = [];
let [alice, bob]: Grid[] = [];
const [aliceKey, bobKey] = [testing.testKey("alice"), testing.testKey("bob")];

beforeAll(async () => {
  const chain = await testing.startTestChain();
  closers.push(() => chain.stop());
  const relay = await startRelay({ keyPair: testing.testKey("relay"), listen: [{ host: "127.0.0.1", port: 0, transport: "tcp" }], logger: silentLogger });
  closers.push(() => relay.stop());
  const dataDir = await mkdtemp(join(tmpdir(), "tfgrid-sdk-"));
  closers.push(() => rm(dataDir, { recursive: true }));
  const notary = await startNotary({ dataDir, host: "127.0.0.1", port: 0, chain: chain.client, logger: silentLogger });
  closers.push(() => notary.stop());
  const relays = relay.endpoints.addresses;
  for (const key of [aliceKey, bobKey]) await chain.client.submit(key, [{ type: "twins.create", relays, encryptionKey: key.encryptionKey }]);
  const connect = (keyPair: typeof aliceKey) =>
    connectGrid({ chainUrls: [chain.url], trust: chain.trust, notaryUrls: [notary.endpoints.url], relays, keyPair });
  [alice, bob] = [connect(aliceKey), connect(bobKey)];
  closers.push(() => (alice as Grid).close(), () => (bob as Grid).close());
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

it("two twins of the chain talk over the relay, each known by its key", async () => {
  const [asking, serving] = await Promise.all([(alice as Grid).messenger(), (bob as Grid).messenger()]);
  const askers: TwinId[] = [];
  serving.handle(nodeApi.linkState, async ({ from, body }) => {
    askers.push(from);
    return body;
  });
  serving.handleStream(nodeApi.logs, async function* lines({ body }) {
    for (let line = 0; line < body.tail; line += 1) yield { timeMs: line, stream: "stdout" as const, text: `line ${line}` };
  });
  const bytes = "00ff" as never;
  expect(await asking.request({ to: serving.twinId, method: nodeApi.linkState, body: { bytes } })).toEqual({ bytes });
  expect(askers).toEqual([await (alice as Grid).twinId()]);
  const seen: string[] = [];
  const body = { contractId: 1 as never, zmachine: "web-1", tail: 3, follow: false };
  for await (const line of asking.stream({ to: serving.twinId, method: nodeApi.logs, body })) seen.push(line.text);
  expect(seen).toEqual(["line 0", "line 1", "line 2"]);
});

it("an instruction that no contract of the real chain names is read by its author only", async () => {
  const [owner, agent] = [await (alice as Grid).twinId(), await (bob as Grid).twinId()];
  const value = { kind: "instruction/v1", chainId: "x", solutionId: 1, solutionName: "one", solutionVersion: 1, nodeId: 1, networks: [], volumes: [], zmachines: [], routes: [] } as never;
  const cid = await (alice as Grid).notary.put({ schema: documents.instruction, value, signer: aliceKey, twinId: owner, readers: [] });
  expect((await (alice as Grid).notary.get({ cid, signer: aliceKey, twinId: owner })).author).toBe(owner);
  await expect((bob as Grid).notary.get({ cid, signer: bobKey, twinId: agent })).rejects.toMatchObject({ code: "notary.forbidden" });
});
