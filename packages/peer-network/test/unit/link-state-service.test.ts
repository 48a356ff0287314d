/** What a 3Node's agent says and asks of links: an agent that has just begun must not wait for its neighbours' next words. */
import { hasCode, type NodeId, silentLogger, type TwinId } from "@tfgrid/primitives";
import { expect, test } from "vitest";
import { LINK_STATE_LIMITS as L } from "../../src/limits.ts";
import { type LinkStateService, linkStateService } from "../../src/network/link-state-service.ts";
import { linkStateMethod } from "../../src/network/messages.ts";
import { fakeMessaging, type FakeNode, fakeNode } from "../helpers/fake-grid.ts";
import { virtualTime } from "../helpers/virtual-time.ts";

/** Nodes that all see each other, but for those that are told to know nobody. */
function neighbourhood(count: number) {
  const time = virtualTime();
  const nodes = Array.from({ length: count }, (_, index) => fakeNode(index));
  const asked: string[] = [];
  const messengerOf = fakeMessaging((action) => action());
  const knowing = new Set(nodes.map(({ id }) => id));
  const start = (node: FakeNode): LinkStateService => {
    const messenger = messengerOf(node.twinId, node.keys);
    return linkStateService({
      nodeId: node.id,
      pair: node.keys,
      forwards: true,
      messenger: {
        ...messenger,
        request: (request) => {
          if ((request.body as { readonly tellAll?: boolean }).tellAll === true) asked.push(`${node.id} asks ${request.to}`);
          return messenger.request(request);
        },
      },
      clock: time.clock,
      logger: silentLogger,
      links: () => nodes.filter(({ id }) => id !== node.id && knowing.has(node.id)).map(({ id }) => ({ to: id, delayUs: 1_000, lossPermille: 0 })),
      accountOf: (id) => Promise.resolve(nodes.find((other) => other.id === id)?.keys.account),
      twinOf: (id) => nodes.find((other) => other.id === id)?.twinId,
      onChange: () => undefined,
    });
  };
  const services = nodes.map(start);
  const settle = () => time.advance(1);
  return { time, nodes, services, start, asked, messengerOf, knowing, settle };
}

const known = ({ db }: LinkStateService): NodeId[] => [...db.graph().keys()];

test("an agent that begins anew asks each neighbour, once, and knows at once what they know", async () => {
  const { services, nodes, start, asked, settle } = neighbourhood(3);
  for (const service of services) service.tick();
  await settle();
  expect(known(services[0]!)).toEqual(nodes.map(({ id }) => id));
  services[0]!.stop();
  const anew = start(nodes[0]!);
  asked.length = 0;
  for (let round = 0; round < 3; round += 1) {
    anew.tick();
    for (const service of services.slice(1)) service.tick();
    await settle();
  }
  expect(known(anew)).toEqual(nodes.map(({ id }) => id));
  expect(asked).toEqual(nodes.slice(1).map(({ twinId }) => `${nodes[0]!.id} asks ${twinId}`));
});

test("a neighbour that does not know us yet is asked again, and not sooner than it would answer", async () => {
  const { services, nodes, asked, knowing, time, settle } = neighbourhood(2);
  knowing.delete(nodes[1]!.id);
  services[0]!.tick();
  await settle();
  services[0]!.tick();
  await settle();
  expect(asked).toHaveLength(1);
  knowing.add(nodes[1]!.id);
  await time.advance(L.rateWindowMs);
  services[0]!.tick();
  await settle();
  expect(asked).toHaveLength(2);
});

test("strangers are told nothing, and a neighbour that asks all the time so often and no more", async () => {
  const { services, nodes, messengerOf, time, settle } = neighbourhood(2);
  for (const service of services) service.tick();
  await settle();
  await time.advance(L.rateWindowMs);
  const ask = (from: FakeNode, twinId = from.twinId) =>
    messengerOf(twinId, from.keys)
      .request({ to: nodes[1]!.twinId, method: linkStateMethod, body: { ads: [], tellAll: true } })
      .then(() => "told", (error: unknown) => (hasCode(error, "network.message_refused") ? "refused" : error));
  for (let time = 0; time < L.tellAllPerWindow; time += 1) expect(await ask(nodes[0]!)).toBe("told");
  expect([await ask(nodes[0]!), await ask(fakeNode(7), 99 as TwinId)]).toEqual(["refused", "refused"]);
  await time.advance(L.rateWindowMs);
  expect(await ask(nodes[0]!)).toBe("told");
});
