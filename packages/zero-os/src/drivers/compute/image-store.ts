/** Unpacked images by digest: `<folder>/<hex>/{rootfs,image.json}`. A folder appears by rename, so it is whole or absent. */
import { mkdir, mkdtemp, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import type { Logger } from "@tfgrid/primitives";
import type { ComputeDriver } from "../../ports.ts";
import { fail } from "./errors.ts";
import { mustRun, run, systemFailure } from "./exec.ts";
import { readIfExists, removeFolder, writeAtomic } from "./files.ts";
import { cachedImage, type CachedImage, type ImageConfig, parseImageConfig } from "./image-config.ts";
import { pinnedReference, pullError } from "./image-reference.ts";
import { KeyedLock } from "./keyed-lock.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";
import { listFolders } from "./record.ts";

type PullImage = ComputeDriver["pullImage"];

export interface StoredImage extends CachedImage {
  readonly rootfsPath: string;
}

export interface ImageStoreOptions {
  readonly folder: string;
  /** containers-registries.conf(5): mirrors and registries without TLS. */
  readonly registriesConf: string | undefined;
  /** Owners are moved by this much while unpacking; 0 where mounts can do it. */
  readonly idBase: number;
  readonly logger: Logger;
}

export class ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #lock = new KeyedLock();

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  async get(digest: string): Promise<StoredImage | undefined> {
    const folder = this.#folder(digest);
    const json = await readIfExists(`${folder}/image.json`);
    if (json === undefined) return undefined;
    const image = cachedImage.fromJson(JSON.parse(json));
    return image.idBase === this.#options.idBase ? { ...image, rootfsPath: `${folder}/rootfs` } : undefined;
  }

  /** For the order of collection. */
  async touch(digest: string): Promise<void> {
    const now = new Date();
    await utimes(`${this.#folder(digest)}/image.json`, now, now);
  }

  async pull(image: Parameters<PullImage>[0], options: Parameters<PullImage>[1]): Promise<void> {
    const reference = pinnedReference(image);
    await this.#lock.run(image.digest, async () => {
      options.signal.throwIfAborted();
      if ((await this.get(image.digest)) !== undefined) return;
      await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
      const work = await mkdtemp(`${this.#options.folder}/.pull-`);
      try {
        await this.#fetch(reference, image, { ...options, work });
        options.onProgress?.("unpacking");
        await this.#unpack(image.digest, work, options.signal);
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    });
  }

  async #fetch(reference: string, image: Parameters<PullImage>[0], options: Parameters<PullImage>[1] & { work: string }): Promise<void> {
    const conf = this.#options.registriesConf;
    // The signed digest is the policy; signatures of registries add nothing to it.
    const args = ["--insecure-policy", "--tmpdir", options.work, ...(conf === undefined ? [] : ["--registries-conf", conf])];
    await mustRun("skopeo", [...args, "copy", reference, `oci:${options.work}/oci:image`], {
      signal: options.signal,
      timeoutMs: L.unpackTimeoutMs,
      onFailure: (result) => pullError(image, result.stderr || result.stdout),
      onLine: (line) => options.onProgress?.(line),
    });
  }

  async #unpack(digest: string, work: string, signal: AbortSignal): Promise<void> {
    const { idBase } = this.#options;
    const map = `0:${idBase}:${L.idsPerRange}`;
    const config = await readConfig(`${work}/oci`);
    const result = await run(
      "umoci",
      ["unpack", ...(idBase === 0 ? [] : ["--uid-map", map, "--gid-map", map]), "--image", `${work}/oci:image`, `${work}/bundle`],
      { signal, timeoutMs: L.unpackTimeoutMs },
    );
    if (result.code !== 0) throw unpackError(digest, result);
    const rootfs = `${work}/bundle/rootfs`;
    const sizeBytes = Number.parseInt(await mustRun("du", ["-s", "-B1", "--", rootfs], { signal }), 10);
    const ready = `${work}/ready`;
    await mkdir(ready, { mode: 0o700 });
    await rename(rootfs, `${ready}/rootfs`);
    const record = cachedImage.toJson({ digest, sizeBytes, idBase, config });
    await writeAtomic(`${ready}/image.json`, JSON.stringify(record));
    // A power cut after the rename must not leave an image with empty files that counts as whole.
    await mustRun("sync", ["-f", ready], { signal });
    await rm(this.#folder(digest), { recursive: true, force: true });
    await rename(ready, this.#folder(digest));
  }

  /** Removes what interrupted pulls left. */
  async recover(): Promise<void> {
    for (const name of await listFolders(this.#options.folder)) {
      if (name.startsWith(".")) await rm(`${this.#options.folder}/${name}`, { recursive: true, force: true });
    }
  }

  async collectGarbage(keep: ReadonlySet<string>, maxBytes: number): Promise<void> {
    const images = await this.#all();
    let total = images.reduce((sum, image) => sum + image.sizeBytes, 0);
    for (const image of images.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
      if (total <= maxBytes) return;
      if (keep.has(image.digest)) continue;
      await this.#lock.run(image.digest, () => removeFolder(this.#folder(image.digest)));
      this.#options.logger.info("image removed from the cache", { digest: image.digest, sizeBytes: image.sizeBytes });
      total -= image.sizeBytes;
    }
  }

  async #all(): Promise<{ digest: string; sizeBytes: number; usedAtMs: number }[]> {
    const images = [];
    for (const name of await listFolders(this.#options.folder)) {
      const path = `${this.#options.folder}/${name}/image.json`;
      const json = await readIfExists(path);
      if (json === undefined) continue;
      const { digest, sizeBytes } = cachedImage.fromJson(JSON.parse(json));
      images.push({ digest, sizeBytes, usedAtMs: (await stat(path)).mtimeMs });
    }
    return images;
  }

  #folder(digest: string): string {
    return `${this.#options.folder}/${digest.replace(/^sha256:/, "")}`;
  }
}

function unpackError(digest: string, result: Awaited<ReturnType<typeof run>>): Error {
  const failure = systemFailure("umoci", result);
  if (failure.code === "compute.disk_full" || result.timedOut) return failure;
  return fail("compute.image_corrupt", { details: { digest, message: result.stderr.trim().slice(-1000) } });
}

/** skopeo wrote exactly one manifest: for an index, the one of this platform. It has checked every digest on the way. */
async function readConfig(layout: string): Promise<ImageConfig> {
  const index = await readJson(`${layout}/index.json`);
  const manifest = await readJson(blobPath(layout, (index["manifests"] as { digest?: unknown }[] | undefined)?.[0]?.digest));
  return parseImageConfig(await readJson(blobPath(layout, (manifest["config"] as { digest?: unknown } | undefined)?.digest)));
}

function blobPath(layout: string, digest: unknown): string {
  if (typeof digest !== "string" || !/^sha256:[0-9a-f]{64}$/.test(digest)) throw fail("compute.image_corrupt");
  return `${layout}/blobs/sha256/${digest.slice("sha256:".length)}`;
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  if ((await stat(path)).size > L.imageConfigBytes)
    throw fail("compute.image_corrupt", { message: "The image's configuration is too large." });
  try {
    return JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  } catch (cause) {
    throw fail("compute.image_corrupt", { cause });
  }
}
