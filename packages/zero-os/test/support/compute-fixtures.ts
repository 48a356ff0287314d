import type { ZmachineSpec } from "@tfgrid/notary";
import type { ContractId } from "@tfgrid/primitives";
import type { ZmachineStart } from "../../src/ports.ts";

export interface StartMore extends Partial<Omit<ZmachineSpec, "files">> {
  readonly key?: string;
  readonly contractId?: number;
  readonly specHash?: string;
  readonly volumePaths?: Record<string, string>;
  readonly files?: ZmachineStart["files"];
}

/** A small zmachine that runs the image's own command; `more` replaces fields of the start or of its specification. */
export function zmachineStart(
  net: { readonly netnsPath: string; readonly ip: string },
  image: ZmachineSpec["image"],
  more: StartMore = {},
): ZmachineStart {
  const { key = "c7-web-1", contractId = 7, specHash = "hash-1", volumePaths = {}, files = [], ...spec } = more;
  return {
    key,
    contractId: contractId as ContractId,
    specHash,
    netnsPath: net.netnsPath,
    volumePaths,
    files,
    nameserver: "10.99.0.1",
    searchDomains: ["znet"],
    spec: {
      name: "web-1",
      service: "web",
      image,
      entrypoint: [],
      command: [],
      environment: {},
      user: "",
      workingDir: "",
      mounts: [],
      resources: { cpuMilli: 500, memoryBytes: 64 * 1024 * 1024, pids: 50, rootfsBytes: 32 * 1024 * 1024 },
      restart: { condition: "any", delayMs: 0, maxAttempts: 0, windowMs: 0 },
      healthcheck: null,
      stopSignal: "",
      stopGraceMs: 5000,
      readOnlyRootfs: false,
      isolation: "container",
      hostname: "web-1",
      networks: [{ name: "default", ip: net.ip, aliases: [] }],
      files: [],
      dependsOn: [],
      ...spec,
    },
  };
}
