/** `image`: bring OCI images into the grid's registry. */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { run } from "../local-grid/run.ts";
import type { Action } from "./index.ts";

const NAME = /^[a-z0-9]+([._/-][a-z0-9]+)*(:[\w][\w.-]{0,127})?$/;

export function addImageCommands(program: Command, action: Action): void {
  const image = program.command("image").description("OCI images of the grid's own registry");
  image
    .command("push")
    .argument("<source>", "an OCI layout folder, an OCI or Docker archive (.tar), or any skopeo source (docker://...)")
    .argument("<name>", "NAME or NAME:TAG in the grid's registry")
    .description("copy an image into the grid's registry")
    .action(action(pushCommand));
}

async function pushCommand(context: Context, source: string, name: string): Promise<void> {
  const { registry } = context.endpoints();
  const pushed = await pushImage({ source: await sourceOf(source, context.signal), name, registryName: registry.name, registryUrl: registry.url, signal: context.signal });
  context.printer.result(pushed, () => `pushed ${pushed.reference}\n       ${pushed.digest}`);
}

/** @throws GridError cli.no_such_file, cli.bad_argument, cli.program_failed */
async function sourceOf(source: string, signal: AbortSignal): Promise<string> {
  if (/^[a-z-]+:/.test(source)) return source;
  const path = resolve(source);
  if (!existsSync(path)) throw cliErrors.fail("cli.no_such_file", { message: `There is nothing at ${path}.` });
  if (statSync(path).isDirectory()) {
    if (!existsSync(join(path, "index.json"))) throw cliErrors.fail("cli.bad_argument", { message: `${path} is no OCI layout (it has no index.json).` });
    return `oci:${path}`;
  }
  // What `docker save` writes has this file too, since it has learnt OCI; older archives do not.
  const entries = (await run("tar", ["--list", "--file", path], { signal })).split("\n");
  return `${entries.some((entry) => /^(\.\/)?oci-layout$/.test(entry)) ? "oci" : "docker"}-archive:${path}`;
}

export interface PushOptions {
  /** A skopeo source, for example `oci:/path`. */
  readonly source: string;
  readonly name: string;
  readonly registryName: string;
  readonly registryUrl: string;
  readonly signal: AbortSignal;
}

/** @throws GridError cli.bad_argument, cli.program_failed */
export async function pushImage(options: PushOptions): Promise<{ readonly reference: string; readonly digest: string }> {
  const { source, name, registryName, registryUrl, signal } = options;
  if (!NAME.test(name)) throw cliErrors.fail("cli.bad_argument", { message: `"${name}" is not an image name (lower-case letters, digits, . _ - /, and a tag after a colon).` });
  const tagged = name.includes(":") ? name : `${name}:latest`;
  // A registries.conf redirects pulls only, so a push names the registry by its address.
  const target = `docker://${new URL(registryUrl).host}/${tagged}`;
  await run("skopeo", ["--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests", "--dest-tls-verify=false", source, target], { signal });
  const digest = (await run("skopeo", ["inspect", "--tls-verify=false", "--format", "{{.Digest}}", target], { signal })).trim();
  return { reference: `${registryName}/${tagged}`, digest };
}
