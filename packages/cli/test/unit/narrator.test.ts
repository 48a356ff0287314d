import type { ChainEvent } from "@tfgrid/tfchain";
import { expect, it } from "vitest";
import { narrator } from "../../src/output/sentences.ts";

const report = (contractId: number, state: string, message?: string): ChainEvent =>
  ({ type: "contracts.reported", contractId, nodeId: contractId, version: 1, state, solutionId: 1, ...(message === undefined ? {} : { message }) }) as unknown as ChainEvent;

it("tells a node's report once, and again when it changes or its contract is another", () => {
  const tell = narrator();
  const told = [report(1, "preparing"), report(1, "preparing"), report(2, "preparing"), report(1, "preparing", "web-1: pulling"), report(1, "running"), report(1, "preparing")].map(tell);
  expect(told.map((sentence) => sentence !== undefined)).toEqual([true, false, true, true, true, true]);
});
