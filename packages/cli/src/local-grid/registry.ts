/** The grid's own OCI registry (Debian's docker-registry) and how skopeo and the 3Nodes find it by name. */
import type { GridLayout } from "./layout.ts";
import { REGISTRY_NAME } from "./layout.ts";
import { writeFileDurably } from "./state-files.ts";
import { join } from "node:path";

export function writeRegistryFiles(layout: GridLayout): { readonly configFile: string } {
  const address = `${layout.hostAddress}:${layout.ports.registry}`;
  const configFile = join(layout.files.configs, "registry.yml");
  writeFileDurably(
    configFile,
    `version: 0.1
log: { level: warn }
storage:
  filesystem: { rootdirectory: ${JSON.stringify(join(layout.stateDir, "registry"))} }
  delete: { enabled: true }
http: { addr: ${JSON.stringify(address)} }
`,
  );
  // containers-registries.conf(5): the name in image references stays the same wherever the registry runs.
  writeFileDurably(
    layout.files.registriesConf,
    `unqualified-search-registries = ["docker.io"]

[[registry]]
prefix = "${REGISTRY_NAME}"
location = "${address}"
insecure = true
`,
  );
  return { configFile };
}

export function registryUrl(layout: GridLayout): string {
  return `http://${layout.hostAddress}:${layout.ports.registry}`;
}

export async function registryServes(layout: GridLayout, signal: AbortSignal): Promise<boolean> {
  const response = await fetch(`${registryUrl(layout)}/v2/`, { signal });
  return response.ok;
}
