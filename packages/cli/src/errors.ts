import { defineErrors } from "@tfgrid/primitives";

export const cliErrors = defineErrors({
  "cli.program_failed": { summary: "An outside program failed.", cure: "Read its message above; when it names a missing program, run `node tools/setup.mjs --system`." },
  "cli.not_root": { summary: "The local grid makes network namespaces and mounts, which only root may.", cure: "Run the same command as root (sudo)." },
  "cli.already_running": { summary: "A local grid already runs on this state folder.", cure: "Use it, or end it with `tfgrid down`." },
  "cli.not_running": { summary: "No local grid runs on this state folder.", cure: "Start one with `tfgrid up` (or `npm start`), or name another folder with --state." },
  "cli.start_failed": { summary: "A part of the grid did not start.", cure: "Look at the log file named in the message; `tfgrid up` again continues from the same state." },
  "cli.subnet_taken": { summary: "The address range of the local grid is already in use on this machine.", cure: "Choose another with `tfgrid up --subnet 10.92.0`." },
  "cli.port_taken": { summary: "A port that the local grid needs on this machine is in use.", cure: "End the program that holds it, or choose other ports (see `tfgrid up --help`)." },
  "cli.other_engine": { summary: "The chain of this state folder was begun with another engine.", cure: "Leave --validators out to go on with it, or begin a new chain in another folder with --state." },
  "cli.not_found": { summary: "There is nothing of that name or id.", cure: "List what there is with the matching `list` command." },
  "cli.no_such_file": { summary: "There is no file or folder of that name.", cure: "Check the path; it is relative to the folder that you are in." },
  "cli.bad_argument": { summary: "An argument does not have the form that the command needs.", cure: "Run the command with --help for its arguments." },
  "cli.timeout": { summary: "What was asked for did not happen in time.", cure: "See `tfgrid status` and `tfgrid solution status NAME` for what it waits for." },
  "cli.no_identity": { summary: "There is no wallet to sign with.", cure: "Start a local grid (it makes one), or set TFGRID_MNEMONIC or --mnemonic-file." },
  "cli.no_twin": { summary: "The key that signs has no twin on this chain.", cure: "Have TFT sent to its account, then register it: `tfgrid twin create` (see `tfgrid wallet show`)." },
  "cli.not_farmer": { summary: "The farm belongs to another twin.", cure: "Sign with the key of the farm's twin (--mnemonic-file or TFGRID_MNEMONIC)." },
  "cli.unexpected": { summary: "The command failed in a way that it does not know.", cure: "This is a defect: report it with the command that you ran and, for the local grid, logs/supervisor.log of the state folder." },
  "cli.damaged_state": { summary: "A file of the state folder cannot be read.", cure: "Restore it from a backup, or start anew with another --state folder." },
});
