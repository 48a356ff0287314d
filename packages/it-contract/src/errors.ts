/** The error catalogue of this room: the only way to make its errors. */
import { defineErrors } from "@tfgrid/primitives";

const errors = defineErrors({
  "it_contract.invalid_file": {
    summary: "The Compose file has problems.",
    cure: "Correct the lines named in the message; `tfgrid solution validate FILE` checks again without deploying.",
  },
  "it_contract.invalid_yaml": { summary: "The file is not valid YAML.", cure: "Correct the YAML at the line named." },
  "it_contract.too_large": {
    summary: "The file, a value in it or what it expands to is too large.",
    cure: "Make it smaller, move contents into an image, or use fewer aliases; docs/limits.md lists the bound.",
  },
  "it_contract.too_deep": { summary: "The file is nested too deeply.", cure: "Remove levels of nesting." },
  "it_contract.unsupported_key": {
    summary: "A key of the Compose specification is not supported here.",
    cure: "Remove the key or use what the message names instead.",
  },
  "it_contract.unknown_key": { summary: "A key is unknown.", cure: "Correct its spelling or remove it." },
  "it_contract.invalid_value": { summary: "A value does not have the form that its key requires.", cure: "Write the value as the message says." },
  "it_contract.missing_value": { summary: "A required value is missing.", cure: "Add the key named in the message." },
  "it_contract.unknown_reference": {
    summary: "Something is named that the file does not define.",
    cure: "Define it at the top level of the file or correct its name.",
  },
  "it_contract.conflict": { summary: "Two parts of the file contradict each other.", cure: "Remove one of them." },
  "it_contract.unset_variable": { summary: "A required variable is not set.", cure: "Set it in the environment or in the .env file beside the Compose file." },
  "it_contract.file_unreadable": {
    summary: "A file that the Compose file names cannot be read.",
    cure: "Check its path (relative to the Compose file) and its permissions.",
  },
  "it_contract.invalid_document": {
    summary: "The solution document breaks a rule.",
    cure: "Make the document with this project's Compose reader, or correct what the message names.",
  },
  "it_contract.unknown_farm": { summary: "No farm has this name.", cure: "Check the name with `tfgrid farm list`, or use the farm's number." },
  "it_contract.no_agent": { summary: "No agent is named.", cure: "Set x-grid.agent to the twin of the agent that shall run the solution." },
  "it_contract.image_not_found": {
    summary: "The registry has no such image or tag.",
    cure: "Check the reference, or push the image first (`tfgrid image push`).",
  },
  "it_contract.image_denied": {
    summary: "The registry refuses access to the image.",
    cure: "Make the image public or log in to the registry with an account that may read it.",
  },
  "it_contract.registry_unreachable": {
    summary: "The registry cannot be reached or does not answer as a registry.",
    cure: "Check the registry's host name and the network, then try again.",
  },
  "it_contract.image_tool_failed": { summary: "skopeo could not be run.", cure: "Install the package skopeo and try again." },
  "it_contract.no_capacity": {
    summary: "No 3Node has room for a part of the solution.",
    cure: "Ask for less, widen x-grid.placement, or wait until capacity is free; the message counts what excluded each 3Node.",
  },
  "it_contract.over_budget": {
    summary: "The solution costs more than its budget.",
    cure: "Raise x-grid.budget, or ask for fewer replicas and smaller limits.",
  },
  "it_contract.no_gateway": {
    summary: "No gateway node is up, and the solution has an ingress.",
    cure: "Wait until a gateway node is up, or remove x-ingress.",
  },
  "it_contract.name_taken": { summary: "The public name belongs to another contract.", cure: "Choose another x-ingress.name." },
  "it_contract.too_many_parts": {
    summary: "The solution needs more parts than the ledger allows.",
    cure: "Use fewer replicas, networks or nodes, or split the solution in two.",
  },
  "it_contract.node_lost": {
    summary: "A 3Node with parts of the solution is down.",
    cure: "Parts that wait come back with their 3Node; set x-grid.on_node_loss to replace to move them (volumes start empty).",
  },
  "it_contract.deploying": { summary: "Parts of the solution are being prepared.", cure: "Nothing to do: wait." },
  "it_contract.updating": { summary: "A new version is being rolled out.", cure: "Nothing to do: wait." },
  "it_contract.running": { summary: "Everything runs as written.", cure: "Nothing to do." },
  "it_contract.escrow_low": { summary: "The deposit lasts for little time only.", cure: "Add to it with `tfgrid solution deposit`." },
  "it_contract.escrow_empty": { summary: "The deposit is used up.", cure: "Add to it with `tfgrid solution deposit`." },
  "it_contract.zmachine_failed": {
    summary: "A zmachine does not run.",
    cure: "Read its logs (`tfgrid solution logs`), correct the image or its settings, and deploy a new version.",
  },
  "it_contract.unhealthy": {
    summary: "A zmachine runs but its health check fails.",
    cure: "Read its logs (`tfgrid solution logs`) and check its healthcheck settings.",
  },
  "it_contract.update_paused": {
    summary: "The update stopped because a new zmachine failed.",
    cure: "Correct the cause and deploy a new version; replicas that were not yet updated run on unchanged.",
  },
  "it_contract.rolled_back": {
    summary: "The update was undone because a new zmachine failed.",
    cure: "Correct the cause and deploy a new version.",
  },
  "it_contract.document_mismatch": {
    summary: "The document in the notary is not what the ledger accepted.",
    cure: "Nothing is deployed from it. Deploy the solution again from its file.",
  },
  "it_contract.secret_unreadable": {
    summary: "The agent cannot open a secret of the solution.",
    cure: "Deploy the solution again, so that its secrets are sealed to the agent's present key.",
  },
  "it_contract.agent_failed": {
    summary: "The agent could not carry out the solution and tries again.",
    cure: "See the message; if it stays, look into the agent's log.",
  },
  "it_contract.bad_config": {
    summary: "The agent's configuration cannot be used.",
    cure: "Correct the configuration named in the message and start the agent again.",
  },
  "it_contract.timed_out": { summary: "A reconcile took too long and was ended.", cure: "It is tried again; check that chain and notary answer." },
});

export const fail = errors.fail;
export const itContractErrors = errors.catalogue;
export type ItContractCode = keyof typeof errors.catalogue;
