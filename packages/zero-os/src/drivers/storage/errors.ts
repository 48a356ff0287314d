import { defineErrors } from "@tfgrid/primitives";

const defined = defineErrors({
  "storage.disk_full": {
    summary: "The 3Node has not enough free disk space for this volume.",
    cure: "Make the volume smaller or place the solution on another 3Node; nothing half-made was left behind.",
  },
  "storage.cannot_shrink": {
    summary: "A volume cannot be made smaller than it is.",
    cure: "Keep the size, or make a new smaller volume and copy the data.",
  },
  "storage.invalid_name": {
    summary: "The name of the volume is not valid.",
    cure: "Use 1 to 63 small letters, digits, dots, dashes or underscores.",
  },
  "storage.volume_damaged": {
    summary: "The file system of the volume is damaged and could not be repaired by itself.",
    cure: "Remove the volume and restore the data from your own copy.",
  },
  "storage.busy": {
    summary: "The volume is still in use.",
    cure: "Remove the zmachines that mount it first; the node tries again by itself.",
  },
  "storage.system_failed": {
    summary: "A system program failed unexpectedly.",
    cure: "Read the program's message in the details; the node tries again by itself.",
  },
});

export const storageErrors = defined.catalogue;
export const fail = defined.fail;
