import { defineErrors } from "@tfgrid/primitives";

export const sdkErrors = defineErrors({
  "sdk.no_key": {
    summary: "This needs the key of a twin, and none was given.",
    cure: "Pass keyPair to connectGrid.",
  },
  "sdk.no_twin": {
    summary: "The key belongs to no twin on the ledger.",
    cure: "Create a twin with this key first: chain.submit(keyPair, [{ type: 'twins.create', ... }]).",
  },
});
