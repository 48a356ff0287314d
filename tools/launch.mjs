/** Runs the command line under the project's Node 24, from whatever Node >= 18 started us. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { compileCache, projectNode, root, setUp } from "./setup.mjs";

/** Commands that touch this machine's kernel and therefore need its packages. */
const NEEDS_SYSTEM = new Set(["up"]);

export async function launch(args) {
  const help = args.includes("--help") || args.includes("-h");
  // Wherever it stands: options with values, such as --state, may come before the command.
  await setUp({ system: args.some((word) => NEEDS_SYSTEM.has(word)) && !help });
  await runProject([join(root, "packages", "cli", "src", "main.ts"), ...args]);
}

/** Replaces this process as far as Node allows: same terminal, signals passed on, same exit code. */
export async function runProject(args, options = {}) {
  const node = projectNode();
  const env = { ...process.env, PATH: `${join(node, "..")}:${process.env.PATH ?? ""}:/usr/sbin:/sbin`, NODE_NO_WARNINGS: "1", NODE_COMPILE_CACHE: compileCache };
  const child = spawn(node, args, { stdio: "inherit", env, ...options });
  // Ctrl-C reaches the child by the terminal's process group: only wait for its clean end here.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
}
