/** The command line has no clients; its error catalogue is part of docs/errors.md. */
export { cliErrors } from "./errors.ts";
