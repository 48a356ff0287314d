/** Where a grid is reached: written by `tfgrid up`, read by every other command. */
import { type Infer, s } from "@tfgrid/primitives";
import { chain, chainAccess } from "@tfgrid/tfchain";
import { join } from "node:path";
import { cliErrors } from "./errors.ts";
import { readJson } from "./local-grid/state-files.ts";

const url = s.text({ maxLength: 300 });
export const endpointsSchema = s.struct({
  gridId: s.text({ maxLength: 16 }),
  /** `url` is the first of `urls`, for people and scripts. */
  chain: s.struct({ url, ...chainAccess.fields }),
  notary: s.list(url, { max: 8 }),
  relays: s.list(url, { max: 8 }),
  explorer: url,
  dashboard: url,
  gateway: s.struct({ address: s.text({ maxLength: 64 }), domain: s.text({ maxLength: 253 }), http: url, https: url }),
  /** Images pushed under `name` are found by every 3Node of this grid. */
  registry: s.struct({ name: s.text({ maxLength: 253 }), url, registriesConf: s.text({ maxLength: 4096 }) }),
  agentTwinId: chain.twinId,
  userTwinId: chain.twinId,
  farmId: chain.farmId,
});
export type GridEndpoints = Infer<typeof endpointsSchema>;

export function endpointsFile(stateDir: string): string {
  return join(stateDir, "endpoints.json");
}

/** @throws GridError cli.not_running */
export function readEndpoints(stateDir: string): GridEndpoints {
  const found = readJson(endpointsFile(stateDir));
  if (found === undefined) throw cliErrors.fail("cli.not_running", { message: `No grid runs on the state folder ${stateDir}.` });
  return endpointsSchema.fromJson(found);
}
