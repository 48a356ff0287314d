/** What every Messenger must do, whatever carries it. */
import { type Clock, defineErrors, type GridError, hasCode, s, systemClock } from "@tfgrid/primitives";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Messenger, MESSAGING_LIMITS } from "../../src/index.ts";
import { count, echo } from "./twins.ts";

export interface Pair {
  readonly asking: Messenger;
  readonly serving: Messenger;
  /** Its key belongs to no twin. */
  readonly stranger: Messenger;
  close(): Promise<void>;
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
  } catch (error) {
    return (error as GridError).code;
  }
  return "nothing was thrown";
};

/** Rates are counted by a clock that stands: how many are let through does not depend on how fast the machine is. */
const standing: Clock = { nowMs: () => 0, sleep: (delayMs, signal) => systemClock.sleep(delayMs, signal) };

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

export function messengerCompliance(name: string, connect: (clock: Clock) => Promise<Pair>): void {
  describe(`messenger compliance: ${name}`, () => {
    let pair: Pair;
    beforeEach(async () => {
      pair = await connect(standing);
    });
    afterEach(() => pair.close());

    it("answers a request and knows who asks", async () => {
      pair.serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
      const answer = await pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "hello" } });
      expect(answer).toEqual({ text: "hello", from: pair.asking.twinId });
    });

    it("answers many requests at the same time, each with its own answer", async () => {
      pair.serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
      const texts = Array.from({ length: MESSAGING_LIMITS.openPerPeer / 2 }, (_, index) => `message ${index}`);
      const answers = await Promise.all(
        texts.map((text) => pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text } })),
      );
      expect(answers.map((answer) => answer.text)).toEqual(texts);
    });

    it("carries a message of almost the largest size and refuses a larger one before sending", async () => {
      pair.serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
      const text = "x".repeat(MESSAGING_LIMITS.messageBytes - 100);
      const answer = await pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text } });
      expect(answer.text.length).toBe(text.length);
      const larger = pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: `${text}${"x".repeat(200)}` } });
      expect(await codeOf(larger)).toBe("messaging.too_large");
    });

    it("refuses an answer that is too large with the same code, and serves on", async () => {
      pair.serving.handle(echo, async ({ body, from }) => ({ text: body.text.repeat(MESSAGING_LIMITS.messageBytes), from }));
      expect(await codeOf(pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "x" } }))).toBe("messaging.too_large");
      const answer = await pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "" } });
      expect(answer.text).toBe("");
    });

    it("streams items in order and ends", async () => {
      pair.serving.handleStream(count, async function* numbers({ body }) {
        for (let n = 0; n < body.to; n += 1) yield { n };
      });
      const items = await collect(pair.asking.stream({ to: pair.serving.twinId, method: count, body: { to: 1_000 } }));
      expect(items.map((item) => item.n)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    });

    it("does not run ahead of a slow reader", async () => {
      const page = "x".repeat(100_000);
      let produced = 0;
      const pages = { ...count, name: "test.pages", item: s.struct({ n: s.uint(), page: s.text({ maxLength: 200_000 }) }) };
      pair.serving.handleStream(pages, async function* numbers() {
        for (let n = 0; n < 2_000; n += 1) {
          produced = n;
          yield { n, page };
        }
      });
      const items = pair.asking.stream({ to: pair.serving.twinId, method: pages, body: { to: 0 } })[Symbol.asyncIterator]();
      await items.next();
      // The writer stops when windows and buffers are full: as soon as it makes no progress, it is far from the end.
      let before = -1;
      while (before !== produced) {
        before = produced;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      expect(produced).toBeLessThan(500);
      await items.return?.();
    });

    it("tells the serving side when the reader leaves", async () => {
      const left = Promise.withResolvers<void>();
      pair.serving.handleStream(count, async function* endless({ signal }) {
        signal.addEventListener("abort", () => left.resolve());
        for (let n = 0; ; n += 1) {
          yield { n };
          if (n > 3) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        }
      });
      for await (const { n } of pair.asking.stream({ to: pair.serving.twinId, method: count, body: { to: 0 } })) if (n === 2) break;
      await left.promise;
    });

    it("ends a stream by the caller's signal", async () => {
      pair.serving.handleStream(count, async function* one({ signal }) {
        yield { n: 1 };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      });
      const controller = new AbortController();
      const items = pair.asking.stream({ to: pair.serving.twinId, method: count, body: { to: 0 }, signal: controller.signal });
      const reading = (async () => {
        for await (const _ of items) controller.abort();
      })();
      expect(await codeOf(reading)).toBe("messaging.aborted");
    });

    it("hands over the handler's coded error with its cure, also in a stream after items", async () => {
      const { fail } = defineErrors({ "test.no_such_thing": { summary: "No such thing.", cure: "Make one." } });
      pair.serving.handle(echo, async () => {
        throw fail("test.no_such_thing", { details: { thing: "x" } });
      });
      pair.serving.handleStream(count, async function* failing() {
        yield { n: 1 };
        throw fail("test.no_such_thing");
      });
      const error = await pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "" } }).catch((caught: unknown) => caught as GridError);
      expect(error).toMatchObject({ code: "test.no_such_thing", cure: "Make one.", details: { thing: "x" } });
      const seen: number[] = [];
      const reading = (async () => {
        for await (const { n } of pair.asking.stream({ to: pair.serving.twinId, method: count, body: { to: 0 } })) seen.push(n);
      })();
      expect(await codeOf(reading)).toBe("test.no_such_thing");
      expect(seen).toEqual([1]);
    });

    it("hides what a failing handler says that is no coded error", async () => {
      pair.serving.handle(echo, async () => {
        throw new TypeError("a secret path");
      });
      const error = (await pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "" } }).catch((caught: unknown) => caught)) as GridError;
      expect(error.code).toBe("messaging.handler_failed");
      expect(JSON.stringify(error.toWire())).not.toContain("secret");
    });

    it("refuses a body that does not fit the schema, an unknown method, the wrong kind", async () => {
      pair.serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
      const to = pair.serving.twinId;
      const loose = { ...echo, request: s.struct({ text: s.uint() }) };
      expect(await codeOf(pair.asking.request({ to, method: loose, body: { text: 7 } }))).toBe("codec.invalid_value");
      expect(await codeOf(pair.asking.request({ to, method: { ...echo, name: "test.nothing" }, body: { text: "" } }))).toBe("messaging.unknown_method");
      expect(await codeOf(collect(pair.asking.stream({ to, method: { ...count, name: echo.name }, body: { to: 1 } })))).toBe("messaging.wrong_kind");
    });

    it("refuses a key that is no twin's", async () => {
      pair.serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
      expect(await codeOf(pair.stranger.request({ to: pair.serving.twinId, method: echo, body: { text: "" } }))).toBe("messaging.forbidden");
    });

    it("gives up in time and by signal, and the handler learns it", async () => {
      const learned = Promise.withResolvers<void>();
      pair.serving.handle(echo, async ({ signal }) => {
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        learned.resolve();
        throw new Error("given up");
      });
      // The way there is made by another request, or the time would be up before the handler is asked.
      expect(await codeOf(pair.asking.request({ to: pair.serving.twinId, method: { ...echo, name: "test.nothing" }, body: { text: "" } }))).toBe("messaging.unknown_method");
      const asked = pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "" }, timeoutMs: 1_000 });
      expect(await codeOf(asked)).toBe("messaging.timeout");
      await learned.promise;
      const asked2 = pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "" }, signal: AbortSignal.abort() });
      expect(await codeOf(asked2)).toBe("messaging.aborted");
    });

    it("says so when there is no such twin, and when it is not connected", async () => {
      expect(await codeOf(pair.asking.request({ to: 999_999 as never, method: echo, body: { text: "" } }))).toBe("messaging.twin_unknown");
      await pair.serving.stop();
      const error = await pair.asking.request({ to: pair.serving.twinId, method: echo, body: { text: "" } }).catch((caught: unknown) => caught);
      expect(hasCode(error, "messaging.peer_unreachable")).toBe(true);
    });

    it("slows down a twin that asks too often, by name", async () => {
      pair.serving.handle(echo, async ({ body, from }) => ({ text: body.text, from }));
      const to = pair.serving.twinId;
      const codes: string[] = [];
      while (codes.length <= MESSAGING_LIMITS.requestBurst) {
        const asked = Array.from({ length: 8 }, () => codeOf(pair.asking.request({ to, method: echo, body: { text: "" } })));
        codes.push(...(await Promise.all(asked)));
      }
      expect([...new Set(codes)].sort()).toEqual(["messaging.too_many_requests", "nothing was thrown"]);
      expect(codes.filter((code) => code === "nothing was thrown").length).toBeLessThanOrEqual(MESSAGING_LIMITS.requestBurst);
    });
  });
}
