/** What nodes say to each other about paths, over twin-to-twin messaging. */
import { s } from "@tfgrid/primitives";
import type { Messenger, RequestMethod } from "@tfgrid/messaging";
import { chain } from "@tfgrid/tfchain";
import { signedLinkAd } from "../core/link-state.ts";

export type PeerMessenger = Pick<Messenger, "handle" | "request">;

const done = s.struct({});
const port = s.uint({ min: 1, max: 65_535 });
const network = { solutionId: chain.solutionId, network: chain.label };

const method = <Q, A>(name: string, request: RequestMethod<Q, A>["request"], answer: RequestMethod<Q, A>["answer"]): RequestMethod<Q, A> => ({
  kind: "request",
  name,
  request,
  answer,
});

/** Flooded: every receiver passes on what was news to it. `tellAll`: the sender has just begun, and asks for all that the receiver knows. */
export const linkStateMethod = method(
  "network.link_state",
  s.struct({ ads: s.list(signedLinkAd, { max: 256 }), tellAll: s.optional(s.bool) }),
  done,
);

/** To a node on the path: forward between these neighbours for the pair a-b. Renewed by asking again; the port stays the same. */
export const forwardMethod = method(
  "network.forward",
  s.struct({
    ...network,
    a: chain.nodeId,
    b: chain.nodeId,
    previous: s.struct({ nodeId: chain.nodeId, port: s.optional(port) }),
    next: s.struct({ nodeId: chain.nodeId, port: s.optional(port) }),
  }),
  s.struct({ port }),
);

/** To the other end of the pair: send to this node and port from now on; null = direct. */
export const pathMethod = method(
  "network.path",
  s.struct({ ...network, via: s.nullable(s.struct({ nodeId: chain.nodeId, port })) }),
  done,
);
