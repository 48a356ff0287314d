/** The table of refused keys in docs/compose.md; the rest of that page is written by hand. */
import { unsupportedKeys } from "@tfgrid/it-contract";
import type { Page } from "./pages.ts";
import { pageWithRegions } from "./region.ts";
import { cell } from "./sources.ts";

/** Where in a file a section's keys stand. */
const PLACES: Readonly<Record<string, string>> = {
  root: "top level",
  service: "`services.NAME`",
  deploy: "`services.NAME.deploy`",
  resources: "`deploy.resources`",
  limits: "`deploy.resources.limits`",
  update_config: "`deploy.update_config`",
  volume: "`volumes.NAME`",
  network: "`networks.NAME`",
  ipam: "`networks.NAME.ipam`",
  ipam_config: "`networks.NAME.ipam.config[]`",
  service_network: "`services.NAME.networks.NAME`",
  mount: "`services.NAME.volumes[]`",
  mount_volume: "`services.NAME.volumes[].volume`",
  mount_tmpfs: "`services.NAME.volumes[].tmpfs`",
  config: "`configs.NAME`",
  secret: "`secrets.NAME`",
  depends_on: "`services.NAME.depends_on.NAME`",
};

export function composePage(): Page {
  const rows = Object.entries(unsupportedKeys).flatMap(([section, keys]) =>
    Object.entries(keys).map(([key, reason]) => `| ${PLACES[section] ?? `\`${section}\``} | \`${key}\` | ${cell(reason)} |`),
  );
  return pageWithRegions("docs/compose.md", [{ name: "refused keys", head: "| where | key | what to do instead |\n| --- | --- | --- |", rows }]);
}
