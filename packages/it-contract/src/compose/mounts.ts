/** `volumes` and `tmpfs` of a service: named volumes and memory only, never a path of the 3Node. */
import type { Service } from "@tfgrid/notary";
import { parseBytes } from "@tfgrid/primitives";
import { DEFAULTS } from "../limits.ts";
import type { Context } from "./context.ts";
import { type Position, report } from "./problems.ts";
import { asBool, asList, asText, asTexts, fields, type Fields } from "./reader.ts";
import type { Tree } from "./tree.ts";
import { asAbsolutePath, asBytes, toLabel } from "./values.ts";

export type Mount = Service["mounts"][number];
const MIN_TMPFS = { min: 4096, minText: "4k" };

export function readMounts(context: Context, service: Fields, volumes: ReadonlySet<string>): readonly Mount[] {
  const tree = service.get("volumes");
  const items = tree === undefined ? [] : (asList(context, tree)?.items ?? []);
  const mounts = items.flatMap((item) => {
    const mount = item.kind === "map" ? longMount(context, item) : shortMount(context, item);
    if (mount === undefined) return [];
    if (mount.type === "volume" && !volumes.has(mount.source))
      report(context, item, "it_contract.unknown_reference", `volume ${mount.source} is not defined under the top-level volumes`);
    return [mount];
  });
  const all = [...mounts, ...readTmpfs(context, service.get("tmpfs"))];
  const targets = new Set<string>();
  for (const mount of all) {
    if (targets.has(mount.target)) report(context, service, "it_contract.conflict", `two mounts at ${mount.target}`);
    targets.add(mount.target);
  }
  return all;
}

function bindRefused(context: Context, at: Position, source: string): undefined {
  const message = `unsupported: bind mount of ${source}; a zmachine mounts no folder of a 3Node: use a named volume, configs or secrets, or put the files into the image`;
  return report(context, at, "it_contract.unsupported_key", message);
}

function shortMount(context: Context, tree: Tree): Mount | undefined {
  const text = asText(context, tree);
  if (text === undefined) return undefined;
  const [source = "", target, options, ...more] = text.split(":");
  if (more.length > 0) return report(context, tree, "it_contract.invalid_value", "expected VOLUME:/PATH or VOLUME:/PATH:ro");
  if (target === undefined)
    return report(context, tree, "it_contract.unsupported_key", "unsupported: a volume without a name; name it (NAME:/PATH) and define it under the top-level volumes");
  if (/^[./~]/.test(source) || source.includes("/")) return bindRefused(context, tree, source);
  if (options !== undefined && options !== "ro" && options !== "rw")
    return report(context, tree, "it_contract.unsupported_key", `unsupported: mount option ${options}; only ro and rw exist here`);
  return volumeMount(context, tree, { source, target, readOnly: options === "ro" });
}

function volumeMount(context: Context, at: Position, mount: { source: string; target: string; readOnly: boolean }): Mount | undefined {
  const source = toLabel(mount.source);
  const target = asAbsolutePath(context, at, mount.target);
  if (source === undefined) return report(context, at, "it_contract.invalid_value", "a volume's name has letters, digits, - and _ only");
  return target === undefined ? undefined : { type: "volume", source, target, readOnly: mount.readOnly, sizeBytes: 0 };
}

const LONG_KEYS = ["type", "source", "target", "read_only", "volume", "tmpfs"];

function longMount(context: Context, tree: Tree): Mount | undefined {
  const map = fields(context, tree, { known: LONG_KEYS, section: "mount" });
  if (map === undefined) return undefined;
  const type = asText(context, map.get("type"));
  const source = asText(context, map.get("source")) ?? "";
  const target = asText(context, map.get("target"));
  const readOnly = asBool(context, map.get("read_only")) ?? false;
  if (type === "bind") return bindRefused(context, map.get("type") ?? tree, source);
  if (target === undefined) return report(context, tree, "it_contract.missing_value", "target is missing");
  if (type === "volume") {
    const options = map.get("volume");
    if (options !== undefined) fields(context, options, { known: [], section: "mount_volume" });
    if (source === "") return report(context, tree, "it_contract.missing_value", "source (the volume's name) is missing");
    return volumeMount(context, tree, { source, target, readOnly });
  }
  if (type !== "tmpfs") return report(context, map.get("type") ?? tree, "it_contract.invalid_value", "expected type volume or tmpfs");
  const options = map.get("tmpfs");
  const tmpfs = options === undefined ? undefined : fields(context, options, { known: ["size"], section: "mount_tmpfs" });
  const sizeBytes = asBytes(context, tmpfs?.get("size"), MIN_TMPFS) ?? DEFAULTS.tmpfsBytes;
  const path = asAbsolutePath(context, tree, target);
  return path === undefined ? undefined : { type: "tmpfs", source: "", target: path, readOnly, sizeBytes };
}

/** `/run`, `/run:size=64m`. */
function readTmpfs(context: Context, tree: Tree | undefined): readonly Mount[] {
  return asTexts(context, tree).flatMap(({ text, at }): Mount[] => {
    const [path = "", options] = text.split(":", 2);
    const size = options === undefined ? undefined : /^size=(.+)$/.exec(options)?.[1];
    const sizeBytes = size === undefined ? DEFAULTS.tmpfsBytes : parseBytes(size);
    if ((options !== undefined && size === undefined) || sizeBytes === undefined || sizeBytes < MIN_TMPFS.min) {
      report(context, at, "it_contract.invalid_value", "expected /PATH or /PATH:size=64m");
      return [];
    }
    const target = asAbsolutePath(context, at, path);
    return target === undefined ? [] : [{ type: "tmpfs", source: "", target, readOnly: false, sizeBytes }];
  });
}
