import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SortedKeys } from "../../src/state/sorted-keys.ts";

const key = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 4 });
const steps = fc.array(fc.tuple(fc.boolean(), key), { maxLength: 200 });

describe("sorted keys", () => {
  test("are those of a plain sorted set, from anywhere", () => {
    fc.assert(
      fc.property(steps, key, (changes, asked) => {
        const keys = new SortedKeys();
        const plain = new Set<string>();
        for (const [adds, name] of changes) {
          if (adds) plain.add(name);
          else plain.delete(name);
          if (adds) keys.add(name);
          else keys.delete(name);
        }
        const sorted = [...plain].sort();
        expect([...keys.from("")]).toEqual(sorted);
        expect([...keys.from(asked)]).toEqual(sorted.filter((name) => name >= asked));
        expect(keys.seek(asked)).toBe(sorted.find((name) => name >= asked));
        expect(keys.after(asked)).toBe(sorted.find((name) => name > asked));
      }),
    );
  });

  test("over many buckets, in any order, and a copy goes its own way", () => {
    const names = Array.from({ length: 5_000 }, (_, index) => String((index * 7_919) % 5_003).padStart(5, "0"));
    const keys = new SortedKeys();
    for (const name of names) keys.add(name);
    const copy = keys.copy();
    for (const name of names.filter((_, index) => index % 3 !== 0)) keys.delete(name);
    const left = names.filter((_, index) => index % 3 === 0).toSorted();
    expect([...keys.from("")]).toEqual(left);
    expect([...copy.from("")]).toEqual(names.toSorted());
    for (const [index, name] of left.entries()) {
      expect(keys.seek(name)).toBe(name);
      expect(keys.after(name)).toBe(left[index + 1]);
    }
  });
});
