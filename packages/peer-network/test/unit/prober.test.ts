import { type Clock, type Hex, type NodeId, silentLogger, systemEntropy } from "@tfgrid/primitives";
import { expect, test } from "vitest";
import { linkMonitor } from "../../src/core/link-monitor.ts";
import { PROBE_LIMITS } from "../../src/limits.ts";
import { decodeProbe, encodeProbe, PROBE_BYTES, probeKey } from "../../src/prober/packet.ts";
import { createProber, type ProbeSocket, type ProbeTarget } from "../../src/prober/prober.ts";
import { type FakeNode, fakeNode } from "../helpers/fake-grid.ts";
import { virtualTime } from "../helpers/virtual-time.ts";

const [a, b, c] = [fakeNode(0), fakeNode(1), fakeNode(2)];
const packet = { kind: "question" as const, from: a.id, to: b.id, cookie: Buffer.from(systemEntropy.randomBytes(8)).toString("hex") as Hex };

test("both ends derive one key; nobody else's packet is taken", () => {
  const bytes = encodeProbe(packet, probeKey(a.meshPrivateKey, b.meshKey));
  expect(bytes.length).toBe(PROBE_BYTES);
  expect(decodeProbe(bytes, (from) => (from === a.id ? probeKey(b.meshPrivateKey, a.meshKey) : undefined))).toEqual(packet);
  expect(decodeProbe(bytes, () => probeKey(b.meshPrivateKey, c.meshKey))).toBeUndefined();
  for (let index = 0; index < bytes.length; index += 1) {
    const bent = Buffer.from(bytes);
    bent[index] = (bent[index] as number) ^ 1;
    expect(decodeProbe(bent, () => probeKey(b.meshPrivateKey, a.meshKey)), `byte ${index}`).toBeUndefined();
  }
  expect(decodeProbe(Buffer.alloc(0), () => undefined)).toBeUndefined();
});

test("a delay is damped, one outlier does nothing, three losses are death, and a revived link starts anew", () => {
  const monitor = linkMonitor();
  expect(monitor.alive).toBe(false);
  for (let index = 0; index < 5; index += 1) monitor.answered(10_000);
  monitor.answered(900_000);
  expect(monitor.delayUs).toBe(10_000);
  for (let index = 0; index < PROBE_LIMITS.lostProbesUntilDead - 1; index += 1) monitor.lost();
  expect(monitor.alive).toBe(true);
  monitor.lost();
  expect(monitor.alive).toBe(false);
  monitor.answered(50_000);
  expect([monitor.alive, monitor.delayUs, monitor.lossPermille]).toEqual([true, 50_000, 0]);
});

test("ids are kept whole", () => {
  const key = probeKey(a.meshPrivateKey, b.meshKey);
  const large = { ...packet, from: Number.MAX_SAFE_INTEGER as NodeId };
  expect(decodeProbe(encodeProbe(large, key), () => key)).toEqual(large);
});

/** A prober whose peers answer at once, in virtual time: how often it wakes, and which nodes it asked when. */
async function steadyProber(peersAtFirst: readonly FakeNode[]) {
  const time = virtualTime();
  let hear: Parameters<ProbeSocket["onMessage"]>[0] = () => undefined;
  const asked: NodeId[] = [];
  const socket: ProbeSocket = {
    send: (bytes, to) => {
      const peer = [b, c].find(({ address }) => address === to.address) as FakeNode;
      const key = probeKey(peer.meshPrivateKey, a.meshKey);
      const question = decodeProbe(Buffer.from(bytes), () => key);
      if (question?.kind !== "question") return;
      asked.push(peer.id);
      const answer = encodeProbe({ kind: "answer", from: peer.id, to: a.id, cookie: question.cookie }, key);
      time.at(1, () => hear(answer, to));
    },
    onMessage: (listener) => (hear = listener),
    close: () => undefined,
  };
  let [wakes, rounds] = [0, 0];
  const clock: Clock = { nowMs: () => time.clock.nowMs(), sleep: (delayMs, signal) => time.clock.sleep(delayMs, signal).then(() => void (wakes += 1)) };
  const prober = createProber({
    nodeId: a.id,
    meshPrivateKey: a.meshPrivateKey,
    socket,
    clock,
    entropy: systemEntropy,
    logger: silentLogger,
    nowUs: () => time.clock.nowMs() * 1_000,
    onTransition: () => undefined,
    onRound: () => (rounds += 1),
  });
  const target = ({ id: nodeId, meshKey, address }: FakeNode): ProbeTarget => ({ nodeId, meshKey, endpoint: { address, port: 1 } });
  const setPeers = (peers: readonly FakeNode[]): void => prober.setTargets(peers.map(target));
  setPeers(peersAtFirst);
  const ending = new AbortController();
  const running = prober.run(ending.signal);
  await time.advance(10_000);
  [wakes, rounds, asked.length] = [0, 0, 0];
  const stop = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  /** The peer asks us. */
  const question = (peer: FakeNode): void => {
    const cookie = Buffer.from(systemEntropy.randomBytes(8)).toString("hex") as Hex;
    hear(encodeProbe({ kind: "question", from: peer.id, to: a.id, cookie }, probeKey(peer.meshPrivateKey, a.meshKey)), { address: peer.address, port: 1 });
  };
  return { time, asked, question, setPeers, counts: () => ({ wakes, rounds }), stop };
}

test("steady links cost one wake a second, and each is asked in it", async () => {
  const { time, asked, counts, stop } = await steadyProber([b, c]);
  await time.advance(10_000);
  await stop();
  expect(asked.length).toBe(20);
  expect(counts()).toEqual({ wakes: 10, rounds: 10 });
});

test("a new link is asked at once, not at the next round", async () => {
  const { time, asked, setPeers, stop } = await steadyProber([b]);
  await time.advance(400);
  asked.length = 0;
  setPeers([b, c]);
  await time.advance(1);
  await stop();
  expect(asked).toContain(c.id);
});

test("links that were met at different moments are asked in one wake before long", async () => {
  const { time, asked, setPeers, counts, stop } = await steadyProber([b]);
  await time.advance(300);
  setPeers([b, c]);
  await time.advance(10_000);
  const before = counts();
  asked.length = 0;
  await time.advance(10_000);
  await stop();
  expect(asked.length).toBe(20);
  expect(counts()).toEqual({ wakes: before.wakes + 10, rounds: before.rounds + 10 });
});

test("a steady neighbour's question is answered, and ours is asked along", async () => {
  const { time, asked, question, stop } = await steadyProber([b]);
  let along = 0;
  for (let second = 0; second < 10; second += 1) {
    await time.advance(700);
    const before = asked.length;
    question(b);
    along += asked.length - before;
    await time.advance(300);
  }
  await stop();
  // From the second time on no round of our own is needed.
  expect(along).toBeGreaterThanOrEqual(9);
  expect(asked.length).toBeLessThanOrEqual(along + 1);
});
