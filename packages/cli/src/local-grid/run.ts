/** Runs one outside program to its end and says what it printed when it failed. */
import { spawn } from "node:child_process";
import { cliErrors } from "../errors.ts";

export interface RunOptions {
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  /** Exit codes that are no failure. */
  readonly accept?: readonly number[];
}

/** Output beyond this is cut: enough for any message of the programs used here. */
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;

/** @throws GridError cli.program_failed with the program's own words */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, signal, env, accept = [0] } = options;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], ...(signal === undefined ? {} : { signal }), ...(env === undefined ? {} : { env }) });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  child.stdin.on("error", () => undefined); // a program that ends without reading its input is judged by its exit code
  child.stdin.end(input ?? "");
  const code = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve(exitCode ?? 128));
  });
  if (!accept.includes(code)) {
    const said = (stderr.text() || stdout.text()).trim().slice(-1000);
    throw cliErrors.fail("cli.program_failed", { message: `\`${program} ${args.join(" ")}\` ended with ${code}: ${said}`, details: { program, code } });
  }
  return stdout.text();
}

function collect(stream: NodeJS.ReadableStream): { text: () => string } {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    if (text.length < MAX_OUTPUT_BYTES) text += chunk;
  });
  return { text: () => text };
}
