/** Private networks as the agent uses them: made and removed by provisioning; peers, names and paths follow from wishes. */
import type { DesiredZnet } from "@tfgrid/peer-network";
import type { NodeNetworks } from "../provisioning/executor.ts";

export interface NetworkControl extends NodeNetworks {
  /** What this node serves now, with its own zmachines; replaces the last wish. */
  setZnets(znets: readonly DesiredZnet[]): void;
  /** The ledger says something new about these solutions or their nodes. */
  nudge(): void;
  /** Bytes between a network and the Internet since it was made; undefined: it is not there. */
  publicBytes(znet: string): Promise<number | undefined>;
  stop(): Promise<void>;
}
