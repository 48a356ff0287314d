/**
 * `explorer-program.ts --config FILE --registries-conf FILE`: the explorer with a way to ask the grid's registry, so that the
 * page can pin images by digest before it plans and signs.
 */
import { parseArgs } from "node:util";
import { runExplorer } from "@tfgrid/explorer";
import { skopeoImageResolver } from "@tfgrid/it-contract";

const { values } = parseArgs({ options: { config: { type: "string" }, "registries-conf": { type: "string" } } });
const registriesConf = values["registries-conf"];
await runExplorer({ config: values.config ?? "", images: skopeoImageResolver(registriesConf === undefined ? {} : { registriesConf }) });
