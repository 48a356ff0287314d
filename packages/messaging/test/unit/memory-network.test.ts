import type { Clock } from "@tfgrid/primitives";
import { expect, it } from "vitest";
import { memoryNetwork } from "../../src/index.ts";
import { messengerCompliance } from "../helpers/compliance.ts";
import { echo, newTwin, registry } from "../helpers/twins.ts";

async function pairInMemory(clock?: Clock) {
  const twins = registry();
  const network = memoryNetwork({ resolve: twins, ...(clock === undefined ? {} : { clock }) });
  const [a, b, stranger] = [newTwin(), newTwin(), newTwin()];
  for (const twin of [a, b]) twins.add(twin, ["memory"]);
  const connect = (twin: typeof a) => network.connect({ account: twin.keyPair.account, twinId: twin.id });
  const messengers = { asking: await connect(a), serving: await connect(b), stranger: await connect(stranger) };
  return { ...messengers, network, close: async () => void (await Promise.all([messengers.asking, messengers.serving, messengers.stranger].map((one) => one.stop()))) };
}

messengerCompliance("in memory", pairInMemory);

it("a cut breaks what is open and a restored twin is reachable again", async () => {
  const { asking, serving, network, close } = await pairInMemory();
  const asked = Promise.withResolvers<void>();
  const off = serving.handle(echo, async ({ signal }) => {
    asked.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new Error("cut off");
  });
  const open = asking.request({ to: serving.twinId, method: echo, body: { text: "" } });
  await asked.promise;
  network.cut(serving.account);
  await expect(open).rejects.toMatchObject({ code: "messaging.stream_lost" });
  await expect(asking.request({ to: serving.twinId, method: echo, body: { text: "" } })).rejects.toMatchObject({ code: "messaging.peer_unreachable" });
  network.restore(serving.account);
  off();
  serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
  await expect(asking.request({ to: serving.twinId, method: echo, body: { text: "back" } })).resolves.toMatchObject({ text: "back" });
  await close();
});
