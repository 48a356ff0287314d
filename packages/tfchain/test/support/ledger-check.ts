/** What must hold for the storage of every chain, however it came about: asked after crashes, restores and prunings. */
import assert from "node:assert/strict";
import { BlockStore } from "../../src/engines/block-store.ts";
import { createRuntime } from "../../src/runtime/index.ts";
import { type Storage, memoryStorage, openState } from "../../src/state/index.ts";
import { pageKey } from "../../src/state/history.ts";
import { decodeRoot, readPage } from "../../src/state/pages.ts";
import { LEVELS_PER_PAGE, type Node } from "../../src/state/tree.ts";
import { ALL } from "./state.ts";

export interface CheckedLedger {
  readonly storage: Storage;
  readonly chainId: string;
  readonly genesis: unknown;
}

/** Head, state, tree and history belong together. */
export function checkStorage(storage: Storage): void {
  const state = openState(storage);
  const blocks = new BlockStore(storage, 1_000_000);
  // Without blocks: at a genesis of CometBFT, or right after a restore.
  assert.equal(blocks.headHeight() ?? state.version, state.version);
  const rebuilt = openState(memoryStorage());
  const draft = rebuilt.draft();
  for (const [key, value] of state.range(ALL)) draft.set(key, value);
  assert.equal(draft.seal().root, state.root, "the root is not the one over the rows");
  const reachable = new Set<string>();
  for (let version = state.firstVersion; version <= state.version; version += 1) {
    const root = storage.get("history", pageKey({ version, path: "/root" }));
    assert.ok(root, `the root of version ${version} is missing`);
    collectPages(storage, decodeRoot(root), { depth: 0, path: "", into: reachable });
  }
  const stored = Array.from(storage.range("tree", ALL), ([key]) => key);
  assert.deepEqual(stored, [...reachable].sort(), "the pages kept are not those that the retained versions use");
}

interface Walk {
  readonly depth: number;
  readonly path: string;
  readonly into: Set<string>;
}

function collectPages(storage: Storage, node: Node, walk: Walk): void {
  if (node?.kind !== "branch") return;
  const { depth, path, into } = walk;
  let children = node.children;
  if (children === undefined) {
    const nibbles = path.replaceAll(/[01]{4}/g, (bits) => Number.parseInt(bits, 2).toString(16));
    const key = pageKey({ version: node.version, path: `/${nibbles}` });
    if (into.has(key)) return;
    into.add(key);
    assert.equal(depth % LEVELS_PER_PAGE, 0);
    const rowOf = (version: number): Uint8Array => {
      const row = storage.get("tree", pageKey({ version, path: `/${nibbles}` }));
      assert.ok(row, `page ${key} is missing at version ${version}`);
      return row;
    };
    const page = readPage(node.version, rowOf);
    for (const version of page.changes) into.add(pageKey({ version, path: `/${nibbles}` }));
    children = page.children;
  }
  collectPages(storage, children[0], { depth: depth + 1, path: `${path}0`, into });
  collectPages(storage, children[1], { depth: depth + 1, path: `${path}1`, into });
}

/** The blocks, carried out once more from the genesis, give the same state hash at every height. */
export function checkReplay({ storage, chainId, genesis }: CheckedLedger): void {
  const blocks = new BlockStore(storage, 1_000_000);
  const runtime = createRuntime({ verify: () => true });
  const memory = memoryStorage();
  const state = openState(memory);
  for (let height = 0; height <= (blocks.headHeight() ?? -1); height += 1) {
    const { signedHeader, raw } = blocks.block(height);
    assert.ok(signedHeader.type === "solo");
    const { timeMs, appHash } = signedHeader.header;
    const draft = state.draft();
    const context = { chainId, height, timeMs };
    if (height === 0) runtime.initGenesis(draft, genesis, context);
    else {
      runtime.beginBlock(draft, context);
      for (const bytes of raw) {
        const outcome = runtime.deliverTx(draft, context, runtime.decodeTx(bytes, 1 << 20));
        assert.equal(blocks.tx(outcome.hash)?.ok, outcome.ok);
      }
    }
    const sealed = draft.seal();
    assert.equal(sealed.root, appHash, `height ${height} gives another state hash when it is carried out again`);
    memory.write(sealed.ops);
    sealed.adopt();
  }
}
