import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, frameHead } from "../../src/engines/cometbft/frames.ts";

const MAX = 70_000;
const framed = (frame: Uint8Array): Buffer => Buffer.concat([frameHead(frame.length), frame]);
const refusal = expect.objectContaining({ code: "cometbft.bad_frame" });

/** Cuts the bytes at these places. */
function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

describe("frames of the ABCI socket", () => {
  it("come out as they went in, however the stream is cut", () => {
    const sizes = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: MAX }).map((length) => new Uint8Array(length).fill(7)));
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, cuts) => {
        const reader = new FrameReader(MAX);
        const read = pieces(Buffer.concat(frames.map(framed)), cuts).flatMap((piece) => reader.push(piece));
        expect(read.map((frame) => Buffer.from(frame).toString("hex"))).toEqual(frames.map((frame) => Buffer.from(frame).toString("hex")));
      }),
      { numRuns: 150 },
    );
  });

  it("come out byte by byte too", () => {
    const reader = new FrameReader(MAX);
    const bytes = framed(new Uint8Array(300).fill(1));
    const read = Array.from(bytes, (byte) => reader.push(Uint8Array.of(byte)));
    expect(read.flat().map(({ length }) => length)).toEqual([300]);
    expect(read.findIndex((frames) => frames.length > 0)).toBe(bytes.length - 1);
  });

  it("are refused by their announced length, before anything is held for them", () => {
    expect(() => new FrameReader(MAX).push(frameHead(MAX + 1))).toThrow(refusal);
    expect(() => new FrameReader(MAX).push(Uint8Array.of(0))).toThrow(refusal);
    expect(() => new FrameReader(MAX).push(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0x01))).toThrow(refusal);
    expect(new FrameReader(MAX).push(framed(new Uint8Array(MAX)))).toHaveLength(1);
  });
});
