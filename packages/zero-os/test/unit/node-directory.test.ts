/** What a node knows of the others: nothing said while it reads is lost, and nothing stays wrong for ever. */
import type { NodeId } from "@tfgrid/primitives";
import type { Node } from "@tfgrid/tfchain";
import { describe, expect, it } from "vitest";
import { NodeDirectory } from "../../src/agent/node-directory.ts";
import type { World } from "../../src/agent/ports.ts";
import { NODE_LIMITS } from "../../src/limits.ts";

const ID = 2 as NodeId;

/** Answers come when the test says so. */
function setup() {
  const reads: PromiseWithResolvers<Node | undefined>[] = [];
  let nowMs = 1_000_000;
  const world = {
    clock: { nowMs: () => nowMs },
    logger: { warn: () => undefined },
    chain: {
      proven: {
        node: () => {
          const read = Promise.withResolvers<Node | undefined>();
          reads.push(read);
          return read.promise;
        },
      },
    },
  } as unknown as World;
  const directory = new NodeDirectory(world, () => undefined);
  const answer = async (index: number, up: boolean): Promise<void> => {
    reads[index]?.resolve({ id: ID, up } as Node);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { directory, reads, answer, pass };
}

describe("the directory of nodes", () => {
  it("reads again when something was said while it was reading", async () => {
    const { directory, reads, answer } = setup();
    directory.want(new Set([ID]));
    directory.hint(ID);
    directory.hint(ID);
    await answer(0, false);
    expect(directory.nodes.get(ID)?.up).toBe(false);
    expect(reads).toHaveLength(2);
    await answer(1, true);
    expect(directory.nodes.get(ID)?.up).toBe(true);
    expect(reads).toHaveLength(2);
  });

  it("tries a failed read again, and looks at known ones anew, but not at every question", async () => {
    const { directory, reads, answer, pass } = setup();
    directory.want(new Set([ID]));
    reads[0]?.reject(new Error("no ledger"));
    await new Promise((resolve) => setImmediate(resolve));
    directory.want(new Set([ID]));
    expect(reads).toHaveLength(1);
    pass(NODE_LIMITS.syncIntervalMs);
    directory.want(new Set([ID]));
    await answer(1, true);
    directory.want(new Set([ID]));
    expect(reads).toHaveLength(2);
    pass(NODE_LIMITS.syncIntervalMs);
    directory.want(new Set([ID]));
    expect(reads).toHaveLength(3);
  });

  it("forgets those that nobody wants, also when their answer is on its way", async () => {
    const { directory, answer } = setup();
    directory.want(new Set([ID]));
    directory.want(new Set());
    await answer(0, true);
    expect(directory.nodes.size).toBe(0);
  });
});
