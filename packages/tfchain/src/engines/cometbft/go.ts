/**
 * The Go that builds cometbft: the machine's own, or, where that is too old (Debian 12 has 1.19), a newer one that the old one
 * fetches as a module, the way Go itself changes its version since 1.21 (https://go.dev/doc/toolchain).
 */
import { execFile } from "node:child_process";
import { chmod, readdir } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, s } from "@tfgrid/primitives";

/** What cometbft's go.mod asks for. */
const NEEDED = { major: 1, minor: 23 } as const;

/** The release that is fetched, with the checksums of its module by Node's name of the processor: nobody's word is taken for it. */
const TOOLCHAIN = {
  version: "1.26.8",
  builds: {
    x64: { goArch: "amd64", sum: "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM=" },
    arm64: { goArch: "arm64", sum: "h1:sYL/O6MqS68ML0kjsQ36WoYIpJqkw60TxizWUYUKQMc=" },
  } as Readonly<Record<string, { readonly goArch: string; readonly sum: string }>>,
} as const;

/** ms. A question is answered at once; a toolchain is 70 MB to fetch and 240 MB to unpack. */
const VERSION_TIMEOUT_MS = 10_000;
const FETCH_TIMEOUT_MS = 5 * 60_000;

const downloaded = s.struct({ Dir: s.text({ maxLength: 4096 }), Sum: s.text({ maxLength: 128 }) });

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/** Standard output of a program. @throws Error with what it wrote to standard error */
export function outputOf(program: string, args: readonly string[], options: ProgramOptions & { readonly timeoutMs: number }): Promise<string> {
  const { env, signal, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: timeoutMs, ...(env === undefined ? {} : { env }), ...(signal === undefined ? {} : { signal }) }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error([stderr.trim(), stdout.trim()].find((text) => text !== "") ?? error.message, { cause: error }));
    });
  });
}

/** What `go version` says, or undefined for one that is no release and will know itself. */
export function isOldGo(text: string): boolean | undefined {
  const [, major, minor] = /\bgo(\d+)\.(\d+)/.exec(text) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  return Number(major) < NEEDED.major || (Number(major) === NEEDED.major && Number(minor) < NEEDED.minor);
}

/** A Go that can build cometbft: `go` itself, or a newer one that it fetched. @throws Error in Go's words */
export async function newEnoughGo(go: string, options: ProgramOptions & { readonly note?: (text: string) => void }): Promise<string> {
  const version = await outputOf(go, ["version"], { ...options, timeoutMs: VERSION_TIMEOUT_MS }).catch(messageOf);
  options.signal?.throwIfAborted();
  if (isOldGo(version) !== true) return go;
  options.note?.(`fetching Go ${TOOLCHAIN.version}, because this machine has ${version.trim()}`);
  return fetchToolchain(go, options);
}

async function fetchToolchain(go: string, options: ProgramOptions): Promise<string> {
  const build = TOOLCHAIN.builds[process.arch];
  if (build === undefined) throw new Error(`no build is known for ${process.arch}`);
  const module = `golang.org/toolchain@v0.0.1-go${TOOLCHAIN.version}.linux-${build.goArch}`;
  const text = await outputOf(go, ["mod", "download", "-json", module], { ...options, timeoutMs: FETCH_TIMEOUT_MS });
  const { Dir: folder, Sum: sum } = downloaded.fromJson(pick(JSON.parse(text)));
  if (sum !== build.sum) throw new Error(`its checksum is ${sum} and not ${build.sum}`);
  // Modules are unpacked without the right to run anything; Go itself gives it to a toolchain at its first use.
  const folders = [join(folder, "bin"), join(folder, "pkg", "tool", `linux_${build.goArch}`)];
  for (const at of folders) for (const name of await readdir(at)) await chmod(join(at, name), 0o755);
  return join(folder, "bin", "go");
}

/** Go tells more than is of interest here. */
const pick = ({ Dir, Sum }: { readonly Dir?: unknown; readonly Sum?: unknown }): unknown => ({ Dir, Sum });
