/** A registry on loopback, images, a network namespace and drivers of one test; all of it is removed again by `close`. */
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import type { ZmachineSpec } from "@tfgrid/notary";
import { linuxCompute, type LinuxCompute, type LinuxComputeOptions, linuxStorage, type LinuxStorage } from "../../src/drivers/index.ts";
import { busyboxFiles, type ImageFile, type OciProcessConfig, writeOciImage } from "../../src/image-builder/oci-image.ts";

const exec = promisify(execFile);

export interface Lab {
  readonly name: string;
  readonly folder: string;
  readonly registryPort: number;
  readonly registryFolder: string;
  readonly compute: LinuxCompute;
  readonly storage: LinuxStorage;
  readonly options: LinuxComputeOptions;
  readonly runDir: string;
  readonly netnsPath: string;
  readonly ip: string;
  /** A second agent on the same folders, as after a restart. */
  again(options?: Partial<LinuxComputeOptions>): Promise<LinuxCompute>;
  push(name: string, files: readonly ImageFile[], options?: { config?: OciProcessConfig; index?: boolean }): Promise<ZmachineSpec["image"]>;
  /** busybox with the usual commands and an account `app` (uid 1000). */
  pushBusybox(): Promise<ZmachineSpec["image"]>;
  close(): Promise<void>;
}

const COMMANDS =
  "sh cat echo sleep id ls mkdir touch dd head tail httpd nc wget ps kill mount df stat printf true false test grep chown env hostname ping unshare cp".split(
    " ",
  );

export async function openLab(): Promise<Lab> {
  const name = `tfgt-${randomBytes(3).toString("hex")}`;
  const folder = await mkdtemp(`${tmpdir()}/${name}-`);
  const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (const closer of closers.toReversed()) await closer().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw new AggregateError(errors, "the lab was not removed completely");
  };
  try {
    return await fill({ name, folder, closers, close });
  } catch (error) {
    await close();
    throw error;
  }
}

async function fill(base: { name: string; folder: string; closers: (() => Promise<unknown>)[]; close: () => Promise<void> }): Promise<Lab> {
  const { name, folder, closers } = base;
  const registryFolder = `${folder}/registry`;
  const registryPort = await startRegistry(folder, registryFolder, closers);
  const ip = "10.99.0.2";
  await exec("ip", ["netns", "add", name]);
  closers.push(() => exec("ip", ["netns", "delete", name]));
  await exec("ip", ["-n", name, "link", "set", "lo", "up"]);
  await exec("ip", ["-n", name, "address", "add", `${ip}/32`, "dev", "lo"]);
  const registriesConf = `${folder}/registries.conf`;
  await writeFile(registriesConf, `[[registry]]\nlocation = "127.0.0.1:${registryPort}"\ninsecure = true\n`);
  const cgroupParent = `/tfgrid-test/${name}`;
  const runDir = `/run/${name}`;
  const options = { dataDir: `${folder}/compute`, cgroupParent, runDir, registriesConf };
  const storage = await linuxStorage({ dataDir: `${folder}/volumes`, mountDir: `${runDir}/volumes` });
  closers.push(() => storage.release());
  const compute = await linuxCompute(options);
  closers.push(async () => (await linuxCompute(options)).teardown());
  const push: Lab["push"] = async (repository, files, image = {}) => {
    const dir = `${folder}/image-${repository}-${randomBytes(2).toString("hex")}`;
    const { digest } = await writeOciImage({ dir, layers: [files], ...image });
    const reference = `127.0.0.1:${registryPort}/${repository}:latest`;
    await exec("skopeo", [
      "--insecure-policy",
      "copy",
      "--all",
      "--preserve-digests",
      "--dest-tls-verify=false",
      `oci:${dir}:latest`,
      `docker://${reference}`,
    ]);
    return { reference, digest };
  };
  const accounts: ImageFile[] = [
    { path: "/etc/passwd", content: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n" },
    { path: "/etc/group", content: "root:x:0:\napp:x:1000:\naudio:x:29:app\n" },
    { path: "/seed/hello", content: "from the image\n", uid: 1000, gid: 1000 },
  ];
  const pushBusybox: Lab["pushBusybox"] = () =>
    push("busybox", [...busyboxFiles(COMMANDS), ...accounts], { config: { Cmd: ["/bin/sleep", "1000"], Env: ["FROM_IMAGE=yes"] } });
  const again: Lab["again"] = (more = {}) => linuxCompute({ ...options, ...more });
  const netnsPath = `/run/netns/${name}`;
  return { ...base, registryPort, registryFolder, compute, storage, options, runDir, netnsPath, ip, again, push, pushBusybox };
}

async function startRegistry(folder: string, storage: string, closers: (() => Promise<unknown>)[]): Promise<number> {
  const port = await freePort();
  await mkdir(storage);
  const config = [
    "version: 0.1",
    "log: {level: error}",
    `storage: {filesystem: {rootdirectory: ${storage}}}`,
    `http: {addr: "127.0.0.1:${port}"}`,
  ];
  await writeFile(`${folder}/registry.yml`, `${config.join("\n")}\n`);
  const child = spawn("docker-registry", ["serve", `${folder}/registry.yml`], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  closers.push(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  for (let attempt = 0; ; attempt += 1) {
    try {
      await fetch(`http://127.0.0.1:${port}/v2/`);
      return port;
    } catch (error) {
      if (attempt > 2_400) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
