/** What every node says about its links, signed and numbered; the newest word of each node makes the graph. */
import { type AccountId, decode, encode, hexToBytes, type Hex, type Infer, type KeyPair, type NodeId, s, verify } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { LINK_STATE_LIMITS as L, PROBE_LIMITS } from "../limits.ts";

export const linkAd = s.struct({
  nodeId: chain.nodeId,
  /** Grows with every word; starts at the clock, so that a restarted node's word is newer than its last. */
  seq: s.uint(),
  /** Consents to forward for others' solutions. */
  forwards: s.bool,
  links: s.list(s.struct({ to: chain.nodeId, delayUs: s.uint({ max: L.maxDelayUs }), lossPermille: s.uint({ max: 1000 }) }), {
    max: PROBE_LIMITS.maxLinks,
  }),
});
export type LinkAd = Infer<typeof linkAd>;
export const signedLinkAd = s.struct({ body: s.hex({ maxLength: L.maxAdBytes }), signature: s.hex({ length: 64 }) });
export type SignedLinkAd = Infer<typeof signedLinkAd>;

export function signAd(pair: KeyPair, ad: LinkAd): SignedLinkAd {
  const bytes = encode(linkAd, ad);
  return { body: Buffer.from(bytes).toString("hex") as Hex, signature: pair.sign("tfgrid/link-state/v1", bytes) };
}

/** Not yet verified: what it claims, to see whether it is new before a signature is checked. @throws GridError codec.* */
export const readAd = (signed: SignedLinkAd): LinkAd => decode(linkAd, hexToBytes(signed.body), { maxBytes: L.maxAdBytes });

export const adIsFrom = (signed: SignedLinkAd, account: AccountId): boolean =>
  verify({ account, domain: "tfgrid/link-state/v1", message: hexToBytes(signed.body), signature: signed.signature });

interface Entry {
  readonly ad: LinkAd;
  readonly signed: SignedLinkAd;
  readonly heardMs: number;
}

export interface LinkStateDb {
  /** Whether this word would be news; answered before the signature is checked. */
  isNews(ad: LinkAd): boolean;
  /** @returns whether it was taken. Only verified words may be given. */
  take(ad: LinkAd, signed: SignedLinkAd, nowMs: number): boolean;
  /** Forgets the silent. @returns whether any was. */
  expire(nowMs: number): boolean;
  graph(): Graph;
  all(): readonly SignedLinkAd[];
}

export interface Edge {
  readonly to: NodeId;
  /** Microseconds: round trip, plus what loss is worth. The same seen from both ends. */
  readonly cost: number;
}
export interface Vertex {
  readonly forwards: boolean;
  readonly edges: readonly Edge[];
}
export type Graph = ReadonlyMap<NodeId, Vertex>;

export function linkStateDb(): LinkStateDb {
  const entries = new Map<NodeId, Entry>();
  let graph: Graph | undefined;
  return {
    isNews: (ad) => ad.seq > (entries.get(ad.nodeId)?.ad.seq ?? -1),
    take: (ad, signed, nowMs) => {
      if (ad.seq <= (entries.get(ad.nodeId)?.ad.seq ?? -1)) return false;
      if (!entries.has(ad.nodeId) && entries.size >= L.maxNodes) return false;
      entries.set(ad.nodeId, { ad, signed, heardMs: nowMs });
      graph = undefined;
      return true;
    },
    expire: (nowMs) => {
      const silent = [...entries].filter(([, entry]) => nowMs - entry.heardMs > L.maxAgeMs);
      for (const [nodeId] of silent) entries.delete(nodeId);
      if (silent.length > 0) graph = undefined;
      return silent.length > 0;
    },
    graph: () => (graph ??= graphOf([...entries.values()].map((entry) => entry.ad))),
    all: () => [...entries.values()].map((entry) => entry.signed),
  };
}

export const linkCost = (link: { readonly delayUs: number; readonly lossPermille: number }): number =>
  link.delayUs + link.lossPermille * L.lossCostUs;

/** A link counts only when both ends say so, at the worse of their two costs: one liar cannot attract traffic. */
export function graphOf(ads: readonly LinkAd[]): Graph {
  const costs = new Map(ads.map((ad) => [ad.nodeId, new Map(ad.links.map((link) => [link.to, linkCost(link)]))]));
  const vertex = (ad: LinkAd): Vertex => {
    const edges: Edge[] = [];
    for (const link of ad.links) {
      const back = costs.get(link.to)?.get(ad.nodeId);
      if (back !== undefined && link.to !== ad.nodeId) edges.push({ to: link.to, cost: Math.max(linkCost(link), back) });
    }
    return { forwards: ad.forwards, edges: edges.toSorted((a, b) => a.to - b.to) };
  };
  return new Map(ads.toSorted((a, b) => a.nodeId - b.nodeId).map((ad) => [ad.nodeId, vertex(ad)]));
}
