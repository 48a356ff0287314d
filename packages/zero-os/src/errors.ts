/** Errors of the 3Node agent. Drivers have catalogues of their own (`compute.*`, `storage.*`, `network.*`). */
import { defineErrors } from "@tfgrid/primitives";

export const nodeErrors = defineErrors({
  "node.config_invalid": {
    summary: "The node's configuration file cannot be used.",
    cure: "Correct the field named in the message; packages/zero-os/README.md lists every field.",
  },
  "node.identity_lost": {
    summary: "This machine registered before, but its identity file is gone.",
    cure: "Put the seed file back from its copy, or empty the data folder to join as a new node (contracts of the old one are lost).",
  },
  "node.identity_corrupt": {
    summary: "The identity file does not hold a valid seed.",
    cure: "Put the seed file back from its copy; the agent never replaces an identity by itself.",
  },
  "node.data_dir_in_use": {
    summary: "Another agent runs on this data folder.",
    cure: "Stop the other agent first, or give this one its own data folder.",
  },
  "node.wrong_chain": {
    summary: "The ledger at this address is not the one that this node belongs to.",
    cure: "Correct chain.urls or chain.trust.chainId in the node's configuration.",
  },
  "node.wrong_farm": {
    summary: "The node is registered in another farm than its join token names.",
    cure: "Use a join token of the node's own farm, or an empty data folder to join the other farm as a new node.",
  },
  "node.registration_failed": {
    summary: "The ledger did not accept the node's registration yet.",
    cure: "The agent goes on trying; look at the code in the details: an expired join token needs a new one from the farmer.",
  },
  "node.cannot_sleep": {
    summary: "The farmer wants the machine off, and it stays on.",
    cure: "Set `power` in the node's configuration, and let firmware and network card wake the machine by magic packets; or withdraw the wish.",
  },
  "node.state_corrupt": {
    summary: "A file of the agent's own state cannot be read.",
    cure: "Nothing to do: it is read again from the ledger and the notary as soon as they answer.",
  },
  "node.instruction_unavailable": {
    summary: "The instruction could not be fetched from the notary yet.",
    cure: "The node goes on trying; check that the notary runs and that the agent left the document there.",
  },
  "node.instruction_altered": {
    summary: "The bytes from the notary are not those that the contract names.",
    cure: "Use an honest notary; the agent twin can store the instruction again.",
  },
  "node.instruction_invalid": {
    summary: "The instruction does not have the form of an instruction.",
    cure: "The agent twin must write a new version that follows the schema.",
  },
  "node.instruction_foreign_author": {
    summary: "The instruction was not signed by the solution's agent or owner.",
    cure: "Only the agent twin that the solution names, or its owner, may instruct nodes.",
  },
  "node.instruction_mismatch": {
    summary: "The instruction was written for another contract, node, solution or ledger.",
    cure: "The agent twin must write an instruction whose ids are those of the contract.",
  },
  "node.instruction_exceeds_contract": {
    summary: "The instruction asks for more than the contract reserves.",
    cure: "The agent twin must reserve the sum of what its zmachines and volumes ask for.",
  },
  "node.no_solution": {
    summary: "The contract belongs to no solution, so nobody may instruct this node about it.",
    cure: "Cancel the contract and create it through a solution.",
  },
  "node.secret_cannot_open": {
    summary: "A secret was not sealed to this node.",
    cure: "The agent twin must seal it to the encryption key of this node's twin on the ledger.",
  },
  "node.zmachine_exited": {
    summary: "The zmachine ended with an error.",
    cure: "Read its logs; its restart policy does not start it again.",
  },
  "node.out_of_memory": {
    summary: "The zmachine was ended because it used more memory than it has.",
    cure: "Give it more memory in the solution, or make it use less.",
  },
  "node.restarts_exhausted": {
    summary: "The zmachine ended too often: its restart policy allows no further attempt.",
    cure: "Read its logs, then change the solution; a new version starts it anew.",
  },
  "node.unhealthy": {
    summary: "The zmachine does not pass its health check.",
    cure: "Read its logs and the check's output in the message.",
  },
  "node.waits_for_service": {
    summary: "The zmachine waits for a service that it depends on.",
    cure: "Look at the named service: it is not there yet.",
  },
  "node.route_without_name": {
    summary: "No name contract of this solution on this gateway covers the route.",
    cure: "Create the name contract for this gateway node; the agent twin does so when it places an ingress.",
  },
  "node.route_without_backend": {
    summary: "No healthy zmachine serves this route at the moment.",
    cure: "Look at the service's zmachines; the route answers as soon as one is healthy.",
  },
  "node.passthrough_failed": {
    summary: "A driver failed in a way that has no code of its own.",
    cure: "The agent goes on trying; the message says what the system answered.",
  },
  "node.api_forbidden": {
    summary: "Only the owner and the signers of the solution may see this.",
    cure: "Ask with the key of the owner's twin or of a signer of the solution.",
  },
  "node.api_not_found": {
    summary: "No such zmachine runs on this node.",
    cure: "Look up the node of the zmachine in the solution's contracts and ask that one.",
  },
});
