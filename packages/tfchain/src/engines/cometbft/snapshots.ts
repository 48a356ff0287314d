/** State sync: what cometbft asks about snapshots. */
import { create } from "@bufbuild/protobuf";
import type { RequestValue, ResponseValue } from "./server.ts";
import * as abci from "./wire/index.ts";

type SnapshotRequest = Extract<RequestValue, { case: "listSnapshots" | "offerSnapshot" | "loadSnapshotChunk" | "applySnapshotChunk" }>;

export function answerSnapshot(request: SnapshotRequest): ResponseValue {
  switch (request.case) {
    case "listSnapshots":
      return { case: "listSnapshots", value: create(abci.ResponseListSnapshotsSchema) };
    case "offerSnapshot":
      return { case: "offerSnapshot", value: create(abci.ResponseOfferSnapshotSchema, { result: abci.ResponseOfferSnapshot_Result.ABORT }) };
    case "loadSnapshotChunk":
      return { case: "loadSnapshotChunk", value: create(abci.ResponseLoadSnapshotChunkSchema) };
    case "applySnapshotChunk":
      return { case: "applySnapshotChunk", value: create(abci.ResponseApplySnapshotChunkSchema, { result: abci.ResponseApplySnapshotChunk_Result.ABORT }) };
    default:
      return request satisfies never;
  }
}
