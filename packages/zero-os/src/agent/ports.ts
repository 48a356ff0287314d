/** What the agent needs from the outside, as narrow as it can be: every part can be replaced in the simulator. */
import type { NotaryClient } from "@tfgrid/notary";
import type { Clock, Entropy, Logger } from "@tfgrid/primitives";
import type { ChainClient } from "@tfgrid/tfchain";
import type { Identity } from "../identity/identity.ts";

/** `proven`: all that the node acts on. The rest only says that there is something to look at. */
export type AgentChain = Pick<ChainClient, "head" | "contracts" | "submit" | "follow"> & {
  readonly proven: Pick<ChainClient["proven"], "contract" | "contracts" | "solution" | "node" | "nodeByTwin" | "twin" | "twinByAccount" | "params" | "height">;
};
export type AgentNotary = Pick<NotaryClient, "get">;

export interface World {
  readonly chain: AgentChain;
  readonly notary: AgentNotary;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly logger: Logger;
  readonly identity: Identity;
  readonly chainId: string;
}
