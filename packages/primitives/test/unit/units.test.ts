import { describe, expect, it } from "vitest";
import { GIB, cloudUnits, formatBytes, formatTft, parseBytes, parseTft } from "../../src/index.ts";

describe("units", () => {
  it("read and write TFT without loss", () => {
    for (const [text, units] of [["0", 0n], ["1", 10_000_000n], ["12.5", 125_000_000n], ["0.0000001", 1n]] as const) {
      expect(parseTft(text)).toBe(units);
      expect(formatTft(units)).toBe(text);
    }
    for (const bad of ["", "-1", "1.00000001", "1e3", "1,5", "."]) expect(parseTft(bad), bad).toBeUndefined();
    expect(formatTft(-5n)).toBe("-0.0000005");
  });

  it("read sizes as Compose does", () => {
    for (const [text, bytes] of [["64", 64], ["1k", 1024], ["512m", 536_870_912], ["1.5gb", 1_610_612_736], ["2GiB", 2 * GIB]] as const) expect(parseBytes(text), text).toBe(bytes);
    for (const bad of ["", "m", "1 x", "-5"]) expect(parseBytes(bad), bad).toBeUndefined();
    expect(formatBytes(1536)).toBe("1.5 KiB");
  });

  it("count cloud units by the one formula", () => {
    // 2 cores, 4 GiB, 50 GiB SSD: min(max(1, 1), max(0.5, 2), max(2, 0.5)) = 1 CU; 50/200 = 0.25 SU.
    expect(cloudUnits({ cpuMilli: 2000, memoryBytes: 4 * GIB, ssdBytes: 50 * GIB, hddBytes: 0 })).toEqual({ cuMicro: 1_000_000n, suMicro: 250_000n });
    // 8 cores, 8 GiB: min(max(2, 4), max(1, 8), max(4, 2)) = 4 CU; 1200 GiB HDD = 1 SU.
    expect(cloudUnits({ cpuMilli: 8000, memoryBytes: 8 * GIB, ssdBytes: 0, hddBytes: 1200 * GIB })).toEqual({ cuMicro: 4_000_000n, suMicro: 1_000_000n });
  });
});
