/** Everything that can go wrong between two twins, and what to do about it. */
import { defineErrors } from "@tfgrid/primitives";

export const messagingErrors = defineErrors({
  "messaging.bad_config": {
    summary: "The relay's configuration is not valid.",
    cure: "Correct the field named in the message.",
  },
  "messaging.bad_relay_address": {
    summary: "A relay's address is not a multiaddr that ends in /p2p/ and the relay's peer id.",
    cure: "Write it as the relay prints it when it starts, for example /dns4/relay.example/tcp/443/tls/ws/p2p/12D3Koo....",
  },
  "messaging.cannot_listen": {
    summary: "The relay cannot listen on the configured address.",
    cure: "Choose a free port and an address of this machine, then start the relay again.",
  },
  "messaging.twin_unknown": {
    summary: "The ledger knows no such twin.",
    cure: "Check the twin's number; a new twin can be reached as soon as its transaction is final.",
  },
  "messaging.peer_unreachable": {
    summary: "The twin cannot be reached over any of its relays.",
    cure: "Try again in a few seconds; if it lasts, the twin's program is not running or its relays on the ledger are out of date.",
  },
  "messaging.not_connected": {
    summary: "None of our relays can be reached.",
    cure: "Check the network and the relay addresses; the connection comes back by itself when a relay answers.",
  },
  "messaging.timeout": {
    summary: "The twin did not answer in time.",
    cure: "Try again; give the request more time if the work is long.",
  },
  "messaging.stream_lost": {
    summary: "The connection broke before the answer was complete.",
    cure: "Ask again: what came before is valid, what is missing was not delivered.",
  },
  "messaging.aborted": {
    summary: "The request was given up before its answer.",
    cure: "Ask again if the answer is still wanted.",
  },
  "messaging.stopped": {
    summary: "This messenger was stopped.",
    cure: "Connect a new one.",
  },
  "messaging.forbidden": {
    summary: "The caller's key belongs to no twin on the ledger.",
    cure: "Create a twin with this key (tfgrid twin create), then ask again.",
  },
  "messaging.unknown_method": {
    summary: "The twin does not serve this method.",
    cure: "Check the method's name and that the twin is of the right kind (a 3Node, an agent).",
  },
  "messaging.wrong_kind": {
    summary: "A stream was asked for as a single request, or the other way round.",
    cure: "Use the method definition of the twin that serves it.",
  },
  "messaging.too_large": {
    summary: "The message is larger than one message may be.",
    cure: "Ask for less at a time or use a stream; docs/limits.md lists the bound.",
  },
  "messaging.bad_message": {
    summary: "The other side sent bytes that are no message of this protocol.",
    cure: "Bring both programs to the same version.",
  },
  "messaging.too_many_requests": {
    summary: "More requests than one twin may make here.",
    cure: "Wait a second and ask less often, or end streams that are no longer needed.",
  },
  "messaging.handler_failed": {
    summary: "The twin failed while it worked on the request.",
    cure: "Try again; if it lasts, the cause is in that twin's own log.",
  },
});
