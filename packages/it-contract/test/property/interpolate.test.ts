import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpolate } from "../../src/index.ts";

const value = (text: string, variables: Record<string, string> = {}): string => {
  const result = interpolate(text, variables);
  return result.ok ? result.value : `!${result.kind}`;
};

/** The table of the Compose specification, chapter Interpolation, for a variable that is set, empty and unset. */
describe("interpolation", () => {
  it.each([
    ["$V", "x", "", ""],
    ["${V}", "x", "", ""],
    ["${V:-d}", "x", "d", "d"],
    ["${V-d}", "x", "", "d"],
    ["${V:?e}", "x", "!required", "!required"],
    ["${V?e}", "x", "", "!required"],
    ["${V:+r}", "r", "", ""],
    ["${V+r}", "r", "r", ""],
    ["${V:-${W}}", "x", "w", "w"],
    ["${V:-${U:-z}}", "x", "z", "z"],
    ["a$$V$$", "a$V$", "a$V$", "a$V$"],
    ["${V:-a$$b}", "x", "a$b", "a$b"],
    ["${V?-}", "x", "", "!required"],
    ["$", "!syntax", "!syntax", "!syntax"],
    ["${V", "!syntax", "!syntax", "!syntax"],
    ["${1}", "!syntax", "!syntax", "!syntax"],
    ["${V!x}", "!syntax", "!syntax", "!syntax"],
  ])("%s", (text, set, empty, unset) => {
    expect([value(text, { V: "x", W: "w" }), value(text, { V: "", W: "w" }), value(text, { W: "w" })]).toEqual([set, empty, unset]);
  });

  it("leaves text without $ as it is, and $$ escapes everything", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => value(text.replaceAll("$", "$$$$")) === text));
  });

  it("never throws, whatever it is given, and never reads inherited properties", () => {
    const text = fc.array(fc.constantFrom("$", "{", "}", ":", "-", "?", "+", "A", "toString", "__proto__", "x")).map((parts) => parts.join(""));
    fc.assert(fc.property(text, (input) => typeof interpolate(input, { A: "1" }).ok === "boolean"));
    expect(value("${toString}${__proto__}")).toBe("");
  });

  it("bounds nesting and size", () => {
    expect(value(`${"${A:-".repeat(50)}x${"}".repeat(50)}`)).toBe("!syntax");
    expect(value("${A}${A}", { A: "x".repeat(400_000) })).toBe("!too_large");
  });
});
