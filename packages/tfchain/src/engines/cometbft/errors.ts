/** What can go wrong between the ledger and the program that orders its blocks. */
import { defineErrors } from "@tfgrid/primitives";

export const cometErrors = defineErrors({
  "chain.no_quorum": {
    summary: "No block is made: too few of the validators reach each other.",
    cure: "Wait until more than two thirds of the validators' power is back; `chain.status` says since when the chain stands. Sending the same bytes again is safe.",
  },
  "chain.catching_up": {
    summary: "This server is behind the chain and still catches up.",
    cure: "Use another server, or wait: `chain.status` says how far it is.",
  },
  "chain.not_yet_included": {
    summary: "The transaction waits for a block longer than a server waits for it.",
    cure: "Send the same bytes again, or look it up by its hash with tx.get: it may still be included.",
  },
  "cometbft.ended": {
    summary: "The program cometbft, which orders this chain's blocks, has ended.",
    cure: "Read its last words in the message, correct what they name, and start the chain again: nothing committed is lost.",
  },
  "cometbft.consensus_failed": {
    summary: "The consensus of this server's cometbft has stopped for good.",
    cure: "Keep the log and both data folders for those who find the reason; then let this server join the chain anew from a snapshot.",
  },
  "cometbft.not_answering": {
    summary: "The program cometbft does not answer.",
    cure: "Wait a moment and try again; if it persists, read the chain's log.",
  },
  "cometbft.wrong_version": {
    summary: "The program cometbft speaks another version of ABCI than this ledger.",
    cure: "Use the pinned version of cometbft (`tfgrid chain` installs it).",
  },
  "cometbft.bad_frame": {
    summary: "A connection to the ledger sent what is not ABCI.",
    cure: "Let only cometbft use the ledger's ABCI socket; if it was cometbft, use its pinned version.",
  },
  "cometbft.bad_home": {
    summary: "The home folder of cometbft does not fit to this chain.",
    cure: "Make a new one with `tfgrid chain init`, or give the folder that belongs to this genesis.",
  },
  "cometbft.wrong_block": {
    summary: "cometbft asked for a block that does not follow on what the ledger has committed.",
    cure: "Keep both data folders together: restore them from the same moment, or join the chain anew.",
  },
});
