import { describe, expect, it } from "vitest";
import { nodeApi } from "@tfgrid/sdk";
import { type NodeApiOptions, serveNodeApi } from "../../src/node-api/serve.ts";

describe("the API of a node", () => {
  it("is this list and nothing more: three ways to read, none to change or run anything", () => {
    const served = new Set<string>();
    const record = (method: { readonly name: string }): (() => void) => {
      served.add(method.name);
      return () => served.delete(method.name);
    };
    const stop = serveNodeApi({ handle: record, handleStream: record }, {} as NodeApiOptions);
    expect([...served].toSorted()).toEqual(["node.logs", "node.metrics", "node.status"]);
    // What the sdk offers beside them is spoken between nodes, about links only.
    const others = Object.values(nodeApi).map(({ name }) => name).filter((name) => !served.has(name));
    expect(others).toEqual(["node.link_state"]);
    stop();
    expect(served.size).toBe(0);
  });
});
