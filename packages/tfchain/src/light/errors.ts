/** What can go wrong between a program and the ledger, outside of the ledger's own rules. */
import { defineErrors } from "@tfgrid/primitives";

export const chainErrors = defineErrors({
  "chain.unreachable": {
    summary: "The ledger does not answer.",
    cure: "Check that the chain runs and that its URL is right (`tfgrid status`), then try again.",
  },
  "chain.genesis_mismatch": {
    summary: "The data folder belongs to another chain.",
    cure: "Start with the genesis file that made this folder, or give the chain an empty data folder.",
  },
  "chain.bad_config": {
    summary: "The chain's configuration file is not valid.",
    cure: "Correct the field named in the message.",
  },
  "chain.data_locked": {
    summary: "Another chain process uses this data folder.",
    cure: "Stop the other process, or give this chain a data folder of its own.",
  },
  "chain.not_open": {
    summary: "Nobody can join this chain: it has one authority.",
    cure: "Follow it as a client, or begin a chain of validators with `tfgrid chain init --engine cometbft`.",
  },
  "chain.stopped": {
    summary: "The chain is stopping or has stopped.",
    cure: "Connect again once it runs; a transaction that was not answered may be looked up by its hash with tx.get.",
  },
  "chain.nothing_to_export": {
    summary: "The folder holds no ledger.",
    cure: "Name the data folder of a chain that has run, as its configuration file does.",
  },
  "chain.replay_differs": {
    summary: "The recorded blocks do not lead to the recorded state.",
    cure: "Use the release that made the record; when this one should come to the same, it has a fault: report it with the height.",
  },
  "chain.height_pruned": {
    summary: "This height is older than what the server retains.",
    cure: "Follow from a retained height (see details) and read the present state for what came before.",
  },
  "chain.height_unknown": {
    summary: "This height is not committed yet.",
    cure: "Ask for a height up to the one that `head` answers.",
  },
  "chain.state_pruned": {
    summary: "The state of this height is no longer kept.",
    cure: "Ask for the state of a height from details.firstProvenHeight to the head.",
  },
  "chain.behind": {
    summary: "The server has not seen yet what this client knows of.",
    cure: "Wait until it has caught up, or use another server.",
  },
  "chain.tx_not_found": {
    summary: "No committed transaction has this hash.",
    cure: "It was never included, or its block is no longer retained: submit it again unless its nonce is used.",
  },
  "mempool.full": {
    summary: "Too many transactions wait for a block.",
    cure: "Wait a moment and submit again.",
  },
  "mempool.account_full": {
    summary: "Too many transactions of this account wait for a block.",
    cure: "Wait until some of them are final, then submit the next.",
  },
  "tx.bad_signature": {
    summary: "The signature is not the signer's over this transaction.",
    cure: "Sign the canonical bytes of the body under `tfgrid/tx/v1` with the signer's Ed25519 key.",
  },
  "rpc.address_unusable": {
    summary: "The RPC cannot listen on its address.",
    cure: "End the program that uses it, or give this server another `host` or `port` in its configuration.",
  },
  "rpc.parse_error": {
    summary: "The request is not valid JSON.",
    cure: "Send a JSON-RPC 2.0 object, or a list of them, as UTF-8.",
  },
  "rpc.invalid_request": {
    summary: "The request is not a JSON-RPC 2.0 request.",
    cure: "Send {jsonrpc: \"2.0\", id, method, params}; `rpc.discover` answers the full description.",
  },
  "rpc.unknown_method": {
    summary: "There is no such method.",
    cure: "Ask `rpc.discover` for the list of methods.",
  },
  "rpc.invalid_params": {
    summary: "The parameters do not have the form that the method requires.",
    cure: "Correct the field named in the message; `rpc.discover` lists every method's parameters.",
  },
  "rpc.too_large": {
    summary: "The request is larger than the server accepts.",
    cure: "Split it; docs/limits.md lists the bound.",
  },
  "rpc.too_many_requests": {
    summary: "Too many requests are open at once.",
    cure: "Wait for answers before sending more, or spread the load over several connections.",
  },
  "rpc.too_many_connections": {
    summary: "The server serves as many connections as it accepts.",
    cure: "Close connections that are not needed, or use another server.",
  },
  "rpc.slow_reader": {
    summary: "This connection reads slower than the ledger writes, and was cut off.",
    cure: "Connect again and follow from the height after the last one received.",
  },
  "rpc.websocket_only": {
    summary: "This method streams and needs a WebSocket connection.",
    cure: "Open a WebSocket to the same address and call it there.",
  },
  "rpc.not_found": {
    summary: "There is nothing at this address.",
    cure: "POST JSON-RPC to `/`, or GET `/health`.",
  },
  "rpc.internal": {
    summary: "The server failed to answer.",
    cure: "Try again; if it persists, read the server's log at the time of the call.",
  },
  "light.bad_answer": {
    summary: "The server's answer does not have the form that the method promises.",
    cure: "Use another server: this one does not speak the ledger's protocol, or lies.",
  },
  "light.wrong_chain": {
    summary: "The header belongs to another chain, engine or authority than the trusted one.",
    cure: "Check the trusted chain id and authority key or validators, and the server's address.",
  },
  "light.bad_header_signature": {
    summary: "The header's signature is not of those who may sign it.",
    cure: "Use another server: this one serves headers that the chain never signed.",
  },
  "light.bad_header": {
    summary: "The header is not the one that its commit was signed for.",
    cure: "Use another server: this one alters headers.",
  },
  "light.bad_validators": {
    summary: "The validators are not those that the header, or the trusted one before it, names.",
    cure: "Use another server: this one shows validators that the chain does not have.",
  },
  "light.not_enough_power": {
    summary: "Too little of the validators' power signed the header.",
    cure: "Use another server: this one serves headers that the validators did not agree on.",
  },
  "light.bad_time": {
    summary: "The header's time does not fit between the trusted one's and now.",
    cure: "Check this machine's clock; if it is right, use another server.",
  },
  "light.stale_header": {
    summary: "The newest header that the server shows is too old to trust.",
    cure: "Check this machine's clock and the chain's health, or use another server.",
  },
  "light.trust_expired": {
    summary: "What is trusted is older than the trust period: its validators may have changed hands since.",
    cure: "Get height and hash of a recent block from somebody you trust, and give them as trust.",
  },
  "light.trust_unproven": {
    summary: "No way leads from what is trusted to the header.",
    cure: "Get height and hash of a recent block from somebody you trust, and give them as trust, or use a server that retains older headers.",
  },
  "light.fork_detected": {
    summary: "Two servers prove different blocks of one height.",
    cure: "Act on neither: keep details as evidence, and ask the chain's operators which one is the chain.",
  },
  "light.no_witness": {
    summary: "None of the witnesses confirms the header.",
    cure: "Try again in a moment; if it persists, check the witnesses' addresses, or name others.",
  },
  "light.wrong_height": {
    summary: "The answer is of another height than it should be.",
    cure: "Use another server: this one does not answer what it is asked.",
  },
  "light.wrong_key": {
    summary: "The value is of another key than it should be.",
    cure: "Use another server: this one does not answer what it is asked.",
  },
  "light.bad_proof": {
    summary: "The Merkle proof does not connect the value to the signed header.",
    cure: "Use another server: this one serves values that are not in the ledger's state.",
  },
});
