import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, generateKeyPair, type KeyPair, mnemonicOf, silentLogger, systemEntropy } from "@tfgrid/primitives";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { connectMessenger, type Messenger, type RunningRelay, startRelay } from "../../src/index.ts";
import { messengerCompliance } from "../helpers/compliance.ts";
import { count, echo, newTwin, registry, type TestTwin } from "../helpers/twins.ts";

const logger = silentLogger;
const listenTcp = { host: "127.0.0.1", port: 0, transport: "tcp" } as const;

type Registry = ReturnType<typeof registry>;

async function connect(twin: TestTwin, relays: readonly string[], resolve: Registry): Promise<Messenger> {
  const messenger = await connectMessenger({ keyPair: twin.keyPair, twinId: twin.id, relays, resolve, logger });
  onTestFinished(() => messenger.stop());
  return messenger;
}

async function pairOverRelay(transport: "tcp" | "ws", clock: Clock) {
  const relay = await startRelay({ keyPair: generateKeyPair(systemEntropy), listen: [{ ...listenTcp, transport }], logger });
  const twins = registry();
  const [a, b, stranger] = [newTwin(), newTwin(), newTwin()];
  for (const twin of [a, b]) twins.add(twin, relay.endpoints.addresses);
  const open = (twin: TestTwin) =>
    connectMessenger({ keyPair: twin.keyPair, twinId: twin.id, relays: relay.endpoints.addresses, resolve: twins, logger, clock });
  const all = [await open(a), await open(b), await open(stranger)] as const;
  await Promise.all(all.map((one) => one.ready()));
  const [asking, serving, unknown] = all;
  return {
    asking,
    serving,
    stranger: unknown,
    close: async () => {
      await Promise.all(all.map((one) => one.stop()));
      await relay.stop();
    },
  };
}

messengerCompliance("libp2p over a TCP relay", (clock) => pairOverRelay("tcp", clock));
messengerCompliance("libp2p over a WebSocket relay", (clock) => pairOverRelay("ws", clock));

interface RelayProcess {
  readonly addresses: readonly string[];
  readonly child: ChildProcess;
  kill(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The real program, so that it can be killed as a program is. */
async function spawnRelay(options: { readonly keyPair: KeyPair; readonly port: number }): Promise<RelayProcess> {
  const folder = await mkdtemp(join(tmpdir(), "tfgrid-relay-"));
  const [mnemonicFile, config] = [join(folder, "mnemonic"), join(folder, "relay.json")];
  await writeFile(mnemonicFile, mnemonicOf(options.keyPair.secretSeed), { mode: 0o600 });
  await writeFile(config, JSON.stringify({ mnemonicFile, listen: [{ ...listenTcp, port: options.port }] }));
  const main = new URL("../../src/main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [main, "--config", config], { stdio: ["ignore", "pipe", "ignore"] });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (data: Buffer) => resolve(data.toString()));
    void gone.then(() => reject(new Error("the relay ended before it served")));
  });
  const ready = JSON.parse(line) as { endpoints: { addresses: string[] } };
  await rm(folder, { recursive: true });
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await gone;
  };
  onTestFinished(kill);
  return { addresses: ready.endpoints.addresses, child, kill };
}

/** ms: more than any machine needs, and less than the pauses of a test that hangs. */
const PATIENCE_MS = 60_000;

/** Asks until it is answered. */
async function untilAnswered(ask: () => Promise<unknown>, withinMs = PATIENCE_MS): Promise<void> {
  const started = performance.now();
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() - started > withinMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe("a relay that dies", () => {
  let relays: RunningRelay[] = [];
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    relays = [];
  });

  it("comes back after kill -9: messengers reserve again by themselves and answers flow", async () => {
    const [keyPair, port] = [generateKeyPair(systemEntropy), await freePort()];
    const first = await spawnRelay({ keyPair, port });
    const twins = registry();
    const [a, b] = [newTwin(), newTwin()];
    for (const twin of [a, b]) twins.add(twin, first.addresses);
    const [asking, serving] = [await connect(a, first.addresses, twins), await connect(b, first.addresses, twins)];
    serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
    serving.handleStream(count, async function* open({ signal }) {
      yield { n: 1 };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const ask = () => asking.request({ to: b.id, method: echo, body: { text: "?" }, timeoutMs: 5_000 });
    await Promise.all([asking.ready(), serving.ready()]);
    await ask();
    const stream = asking.stream({ to: b.id, method: count, body: { to: 0 } })[Symbol.asyncIterator]();
    await stream.next();
    const broken = stream.next().then(
      () => "an item",
      (error: unknown) => (error as { code: string }).code,
    );
    await first.kill();
    expect(await broken).toBe("messaging.stream_lost");
    await expect(ask()).rejects.toMatchObject({ code: "messaging.not_connected" });
    await spawnRelay({ keyPair, port });
    await untilAnswered(ask);
    // Answers need the relay's line only; the reservation that `connected` tells of may come a little later.
    await expect.poll(() => asking.relays(), { timeout: PATIENCE_MS }).toEqual([{ address: first.addresses[0], connected: true }]);
  });

  it("is replaced by the other relay of the twin without a wait for its return", async () => {
    relays = await Promise.all([1, 2].map(() => startRelay({ keyPair: generateKeyPair(systemEntropy), listen: [listenTcp], logger })));
    const addresses = relays.flatMap((relay) => relay.endpoints.addresses);
    const twins = registry();
    const [a, b] = [newTwin(), newTwin()];
    for (const twin of [a, b]) twins.add(twin, addresses);
    const [asking, serving] = [await connect(a, addresses, twins), await connect(b, addresses, twins)];
    serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
    await expect.poll(() => [...asking.relays(), ...serving.relays()].every((relay) => relay.connected), { timeout: PATIENCE_MS }).toBe(true);
    const ask = () => asking.request({ to: b.id, method: echo, body: { text: "?" }, timeoutMs: 5_000 });
    await ask();
    await relays[0]?.stop();
    await untilAnswered(ask);
    await relays[1]?.stop();
    await expect(untilAnswered(ask, 500)).rejects.toMatchObject({ code: "messaging.not_connected" });
  });
});

describe("a relay", () => {
  it("refuses more places than it has, and gives a freed one to the next", async () => {
    const relay = await startRelay({ keyPair: generateKeyPair(systemEntropy), listen: [listenTcp], logger, limits: { reservations: 1 } });
    onTestFinished(() => relay.stop());
    const twins = registry();
    const [a, b] = [newTwin(), newTwin()];
    const first = await connect(a, relay.endpoints.addresses, twins);
    await first.ready();
    const second = await connect(b, relay.endpoints.addresses, twins);
    await expect(second.ready(AbortSignal.timeout(1_000))).rejects.toThrow(/timeout/i);
    expect(relay.reservations()).toBe(1);
    await first.stop();
    await second.ready(AbortSignal.timeout(PATIENCE_MS));
    expect(relay.reservations()).toBe(1);
  });

  it("says what to do when its port is taken and when an address is no relay's", async () => {
    const relay = await startRelay({ keyPair: generateKeyPair(systemEntropy), listen: [listenTcp], logger });
    onTestFinished(() => relay.stop());
    const port = Number(/\/tcp\/(\d+)\//.exec(relay.endpoints.addresses[0] ?? "")?.[1]);
    const again = startRelay({ keyPair: generateKeyPair(systemEntropy), listen: [{ ...listenTcp, port }], logger });
    await expect(again).rejects.toMatchObject({ code: "messaging.cannot_listen" });
    const twin = newTwin();
    const wrong = connectMessenger({ keyPair: twin.keyPair, twinId: twin.id, relays: ["/ip4/127.0.0.1/tcp/1"], resolve: registry(), logger });
    await expect(wrong).rejects.toMatchObject({ code: "messaging.bad_relay_address" });
  });
});
