import { defineErrors } from "@tfgrid/primitives";

const { catalogue, fail } = defineErrors({
  "explorer.invalid_config": {
    summary: "The explorer's configuration file cannot be used.",
    cure: "Correct the field named in the message.",
  },
  "explorer.unknown_parameter": {
    summary: "The request has a parameter that this path does not know.",
    cure: "Remove the parameter or correct its name; the message lists the known ones.",
  },
  "explorer.invalid_parameter": {
    summary: "A request parameter has a value that cannot be read.",
    cure: "Correct the value of the parameter named in the message.",
  },
  "explorer.invalid_sort": {
    summary: "The list cannot be sorted by this field.",
    cure: "Sort by one of the fields named in the message, with sort_order asc or desc.",
  },
  "explorer.not_found": {
    summary: "There is nothing with this id.",
    cure: "Check the id; a thing made a moment ago appears once its block is indexed.",
  },
  "explorer.invalid_request": {
    summary: "The request cannot be read.",
    cure: "Send an HTTP/1.1 GET of one of the paths in docs/api.md, with a Host header and a short address.",
  },
  "explorer.busy": {
    summary: "Long answers of other requests are still on their way.",
    cure: "Try again in a moment, or ask for shorter pages (size=).",
  },
  "explorer.registry_not_public": {
    summary: "The explorer asks registries of the open Internet and the grid's own only.",
    cure: "Pin the image in the file (name@sha256:...), or deploy with `tfgrid solution deploy`, which asks the registry itself.",
  },
  "explorer.too_many_readers": {
    summary: "The live feed has as many readers as it can serve.",
    cure: "Try again later, or read /events?from= with a limit by polling.",
  },
  "explorer.stream_ended": {
    summary: "The ledger's event stream ended.",
    cure: "Nothing to do: the explorer connects again and resumes at the same height.",
  },
  "explorer.grid_not_published": {
    summary: "This explorer does not publish where the ledger and the notary are.",
    cure: "Set `grid` in the explorer's configuration; without it the page only shows.",
  },
  "explorer.no_image_lookup": {
    summary: "This explorer does not look up images in registries.",
    cure: "Pin the image in the file (name@sha256:...), or deploy with `tfgrid solution deploy`, which asks the registry itself.",
  },
  "explorer.too_many_lookups": {
    summary: "The explorer looks up as many images as it can at one time.",
    cure: "Try again in a moment.",
  },
  "explorer.internal": {
    summary: "The explorer failed to answer.",
    cure: "Try again; if it goes on, look at the explorer's log for this request.",
  },
});
export const explorerErrors = catalogue;
export { fail };
