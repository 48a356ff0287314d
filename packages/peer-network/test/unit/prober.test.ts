import { type Hex, type NodeId, systemEntropy } from "@tfgrid/primitives";
import { expect, test } from "vitest";
import { linkMonitor } from "../../src/core/link-monitor.ts";
import { PROBE_LIMITS } from "../../src/limits.ts";
import { decodeProbe, encodeProbe, PROBE_BYTES, probeKey } from "../../src/prober/packet.ts";
import { fakeNode } from "../helpers/fake-grid.ts";

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
