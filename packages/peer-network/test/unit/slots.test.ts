import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SlotStore, slotStore } from "../../src/linux/state.ts";

let folder: string;
let slots: SlotStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "slots-"));
  slots = slotStore(folder, { first: 20_001, last: 20_010 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("slots of private networks", () => {
  it("are never given twice, also when networks of several tenants come up at the same moment", async () => {
    const given = await Promise.all(["s1-default", "s1-other", "s2-default", "s2-other", "s1-default"].map((key) => slots.allocate(key)));
    expect(given.map(({ slot }) => slot)).toEqual([0, 1, 2, 3, 0]);
  });

  it("are kept over a restart, with the gateway's mark, and given again once released", async () => {
    await Promise.all([slots.allocate("a"), slots.allocate("b"), slots.allocate("c")]);
    await Promise.all([slots.setGateway("b"), slots.release("a")]);
    const again = slotStore(folder, { first: 20_001, last: 20_010 });
    expect(await again.get("b")).toEqual({ slot: 1, gateway: true });
    expect(await again.get("a")).toBeUndefined();
    expect(await again.allocate("d")).toEqual({ slot: 0, gateway: false });
  });
});
