/** Makes OCI images from files of this machine: for tests and examples that must work without the Internet. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { arch } from "node:os";
import { basename, dirname } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { tarBlocks, type TarEntry } from "./tar.ts";

export interface ImageFile {
  /** Absolute path in the image. */
  readonly path: string;
  /** Text, bytes, a file of this machine, a symbolic link, or (none of them) a folder. */
  readonly content?: string | Uint8Array;
  readonly hostPath?: string;
  readonly linkTo?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** As in the `config` object of the OCI image specification. */
export interface OciProcessConfig {
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

export interface WriteOciImageOptions {
  /** The OCI layout is written here: `skopeo copy oci:DIR:TAG docker://...` takes it from there. */
  readonly dir: string;
  /** One list of files per layer. */
  readonly layers: readonly (readonly ImageFile[])[];
  readonly config?: OciProcessConfig;
  /** Default `latest`. */
  readonly tag?: string;
  /** Also wrap the manifest in an image index, as images for several processors have. */
  readonly index?: boolean;
}

const TYPES = {
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  config: "application/vnd.oci.image.config.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
} as const;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Returns the digest to pin: of the manifest, or of the index when one is asked for. Equal files give equal digests. */
export async function writeOciImage(options: WriteOciImageOptions): Promise<{ readonly digest: string; readonly manifestDigest: string }> {
  const { dir } = options;
  await mkdir(`${dir}/blobs/sha256`, { recursive: true });
  const layers: Descriptor[] = [];
  const diffIds: string[] = [];
  for (const files of options.layers) {
    const tar = Buffer.concat([...tarBlocks(await tarEntries(files))]);
    diffIds.push(sha256(tar));
    layers.push(await putBlob(dir, TYPES.layer, gzipSync(tar, { level: 1 })));
  }
  const platform = { architecture: arch() === "x64" ? "amd64" : arch(), os: "linux" };
  const config = await putJson(dir, TYPES.config, {
    ...platform,
    config: options.config ?? {},
    rootfs: { type: "layers", diff_ids: diffIds },
  });
  const manifest = await putJson(dir, TYPES.manifest, { schemaVersion: 2, mediaType: TYPES.manifest, config, layers });
  const top =
    options.index === true
      ? await putJson(dir, TYPES.index, { schemaVersion: 2, mediaType: TYPES.index, manifests: [{ ...manifest, platform }] })
      : manifest;
  const named = { ...top, annotations: { "org.opencontainers.image.ref.name": options.tag ?? "latest" } };
  await writeFile(`${dir}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await writeFile(`${dir}/index.json`, JSON.stringify({ schemaVersion: 2, manifests: [named] }));
  return { digest: top.digest, manifestDigest: manifest.digest };
}

/** A program of this machine with the shared libraries that it needs, each at its own place. */
export async function hostProgram(hostPath: string, path: string = hostPath): Promise<ImageFile[]> {
  const files: ImageFile[] = [{ path, hostPath, mode: 0o755 }];
  for (const library of await sharedLibraries(hostPath)) files.push({ path: library, hostPath: library, mode: 0o755 });
  return files;
}

/** Statically linked busybox with a link for each of the named commands. */
export function busyboxFiles(commands: readonly string[], hostPath = "/bin/busybox"): ImageFile[] {
  const links = commands.map((command) => ({ path: `/bin/${command}`, linkTo: "/bin/busybox" }));
  return [{ path: "/bin/busybox", hostPath, mode: 0o755 }, ...links, { path: "/tmp", mode: 0o1777 }, { path: "/etc", mode: 0o755 }];
}

async function sharedLibraries(program: string): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)("ldd", [program], { env: { ...process.env, LC_ALL: "C" } });
    const paths = stdout.split("\n").map((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1]);
    return [...new Set(paths.filter((path) => path !== undefined))];
  } catch (error) {
    const output = `${(error as { stdout?: string }).stdout ?? ""}${(error as { stderr?: string }).stderr ?? ""}`;
    if (/not a dynamic executable|statically linked/.test(output)) return [];
    throw error;
  }
}

/** Adds the folders that lie above the files, sorted so that they come first. */
async function tarEntries(files: readonly ImageFile[]): Promise<TarEntry[]> {
  const entries = new Map<string, TarEntry>();
  for (const file of files) {
    for (let folder = dirname(file.path); folder !== "/"; folder = dirname(folder)) {
      if (!entries.has(folder)) entries.set(folder, { path: folder.slice(1), mode: 0o755, folder: true });
    }
    entries.set(file.path, await tarEntry(file));
  }
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

async function tarEntry(file: ImageFile): Promise<TarEntry> {
  const path = file.path.slice(1);
  const owner = { uid: file.uid ?? 0, gid: file.gid ?? 0 };
  if (!file.path.startsWith("/") || basename(file.path) === "") throw new Error(`not an absolute path: ${file.path}`);
  if (file.linkTo !== undefined) return { path, mode: 0o777, linkTo: file.linkTo, ...owner };
  if (file.hostPath !== undefined)
    return { path, mode: file.mode ?? 0o644, bytes: await readFile(await realpath(file.hostPath)), ...owner };
  if (file.content === undefined) return { path, mode: file.mode ?? 0o755, folder: true, ...owner };
  const bytes = typeof file.content === "string" ? new TextEncoder().encode(file.content) : file.content;
  return { path, mode: file.mode ?? 0o644, bytes, ...owner };
}

async function putJson(dir: string, mediaType: string, value: unknown): Promise<Descriptor> {
  return await putBlob(dir, mediaType, new TextEncoder().encode(JSON.stringify(value)));
}

async function putBlob(dir: string, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  const digest = sha256(bytes);
  await writeFile(`${dir}/blobs/sha256/${digest.slice("sha256:".length)}`, bytes);
  return { mediaType, digest, size: bytes.length };
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
