import type { Hex } from "@tfgrid/primitives";
import { expect, it } from "vitest";
import { NETWORK_LIMITS as L } from "../../src/limits.ts";
import { unansweredPeers } from "../../src/linux/wireguard.ts";

const key = "ab".repeat(32) as Hex;
const device = "cd".repeat(32) as Hex;
const peer = { publicKey: key, endpoint: { address: "192.0.2.1", port: 20_001 }, allowedIps: ["10.64.1.0/24"], keepaliveSec: 25 };
const ask = (lastHandshakeMs: number | undefined, greetedAtMs: number | undefined, nowMs: number): readonly Hex[] => [
  ...unansweredPeers({
    peers: [peer, { publicKey: device, allowedIps: ["10.64.9.2/32"], keepaliveSec: 0 }],
    now: new Map([[device, { lastHandshakeMs: 0 }], ...(lastHandshakeMs === undefined ? [] : [[key, { lastHandshakeMs }] as const])]),
    greetedAtMs: new Map(greetedAtMs === undefined ? [] : [[key, greetedAtMs]]),
    nowMs,
  }),
];

it("greets anew whom nobody has heard for a while", () => {
  expect(ask(0, 5_000, 5_000 + L.greetAgainMs)).toEqual([key]);
});

it("gives a greeting its time, and leaves alone who has answered, is not there yet or calls in by itself", () => {
  expect(ask(0, 5_000, 5_000 + L.greetAgainMs - 1)).toEqual([]);
  expect(ask(1_700_000_000_000, 5_000, 60_000)).toEqual([]);
  expect(ask(undefined, 5_000, 60_000)).toEqual([]);
  expect(ask(0, undefined, 60_000)).toEqual([]);
});
