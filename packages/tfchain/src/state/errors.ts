/** What can go wrong between the ledger and its disk, and with snapshots from strangers. */
import { defineErrors } from "@tfgrid/primitives";

export const stateErrors = defineErrors({
  "chain.format_unknown": {
    summary: "The data folder is not in the format of this release.",
    cure: "Start the release that wrote the folder; or export its genesis there and begin anew from it here, or join with an empty folder.",
  },
  "chain.disk_full": {
    summary: "There is no space left for the next block.",
    cure: "Free space on the disk of the data folder: nothing is lost, and the chain goes on by itself or when it is started again.",
  },
  "chain.storage_failed": {
    summary: "The disk of the data folder refuses to read or write.",
    cure: "Read the cause in the log, check disk, mount and permissions, then start the chain again.",
  },
  "snapshot.format_unknown": {
    summary: "The snapshot is in a format that this release does not read.",
    cure: "Take another snapshot, or join with a release of the same version as the other validators'.",
  },
  "snapshot.bad_manifest": {
    summary: "The snapshot's description is not valid, or not the one that was offered.",
    cure: "Take a snapshot of another server: this one is damaged or lies.",
  },
  "snapshot.not_wanted": {
    summary: "The snapshot is of another chain, height or state than the trusted header.",
    cure: "Take a snapshot of the height and state hash that are trusted.",
  },
  "snapshot.not_empty": {
    summary: "This data folder holds a chain.",
    cure: "Restore into an empty data folder.",
  },
  "snapshot.chunk_out_of_order": {
    summary: "The chunk is not the next one.",
    cure: "Apply chunk details.next; chunks come in order, each once.",
  },
  "snapshot.chunk_mismatch": {
    summary: "The chunk is not the one that the snapshot describes.",
    cure: "Fetch it again, from another server: this one is damaged or lies.",
  },
  "snapshot.chunk_invalid": {
    summary: "The chunk has the described hash, but is not made of ascending rows.",
    cure: "Take another snapshot: whoever made this one lies.",
  },
  "snapshot.incomplete": {
    summary: "Chunks are missing.",
    cure: "Apply all chunks before the end, from details.next on.",
  },
  "snapshot.abandoned": {
    summary: "The snapshot was given up before its state was complete.",
    cure: "Nothing of it was kept: begin with another snapshot.",
  },
  "snapshot.wrong_root": {
    summary: "The restored state is not the one that the trusted header names.",
    cure: "Take another snapshot: whoever made this one lies. Nothing of it was kept.",
  },
});
