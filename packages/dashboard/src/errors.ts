import { defineErrors, type GridError, isGridError, messageOf } from "@tfgrid/primitives";

const { catalogue, fail } = defineErrors({
  "dashboard.explorer_unreachable": {
    summary: "The explorer does not answer.",
    cure: "Check that the grid runs and that this device is connected; the page tries again by itself.",
  },
  "dashboard.bad_answer": {
    summary: "The explorer answered with something that this page cannot read.",
    cure: "Reload the page: it may be older than the explorer. If that does not help, report the address.",
  },
  "dashboard.not_published": {
    summary: "This explorer does not publish where its ledger and notary are.",
    cure: "Set `grid` in the explorer's configuration, or deploy with `tfgrid solution deploy`.",
  },
  "dashboard.no_agent": {
    summary: "Neither the file nor this grid names an agent.",
    cure: "Add `agent: TWIN_ID` to the file's top-level x-grid section.",
  },
  "dashboard.no_twin": {
    summary: "These words belong to an account that has no twin on this grid.",
    cure: "Create one with `tfgrid twin create`, or enter the words of another account.",
  },
  "dashboard.name_taken": {
    summary: "You already run a solution of this name.",
    cure: "Choose another name in the file, or change the running one with `tfgrid solution update FILE`.",
  },
  "dashboard.solution_ended": {
    summary: "This solution has ended.",
    cure: "Deploy it again from its file.",
  },
  "dashboard.unexpected": {
    summary: "Something failed in this page.",
    cure: "Try again; if it goes on, reload the page.",
  },
});
export const dashboardErrors = catalogue;
export { fail };

/** Anything that was thrown as an error that a person can act on. */
export const asGridError = (error: unknown): GridError =>
  isGridError(error) ? error : fail("dashboard.unexpected", { message: messageOf(error), cause: error });
