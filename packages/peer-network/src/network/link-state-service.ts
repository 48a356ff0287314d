/** Says what our links are, hears what others' are, passes on what is news. */
import { type AccountId, type Clock, isGridError, type KeyPair, type Logger, messageOf, type NodeId, type TwinId } from "@tfgrid/primitives";
import { adIsFrom, type LinkAd, type LinkStateDb, linkStateDb, readAd, signAd, type SignedLinkAd } from "../core/link-state.ts";
import { fail } from "../errors.ts";
import { LINK_STATE_LIMITS as L, PATH_LIMITS } from "../limits.ts";
import { linkStateMethod, type PeerMessenger } from "./messages.ts";

export interface LinkStateOptions {
  readonly nodeId: NodeId;
  readonly pair: KeyPair;
  readonly forwards: boolean;
  readonly messenger: PeerMessenger;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly links: () => LinkAd["links"];
  readonly accountOf: (nodeId: NodeId) => Promise<AccountId | undefined>;
  readonly twinOf: (nodeId: NodeId) => TwinId | undefined;
  readonly onChange: () => void;
}

export interface LinkStateService {
  readonly db: LinkStateDb;
  /** Called often; speaks only when there is something to say. */
  tick(): void;
  /** A link came up or died: told at once; a new neighbour gets all that we know. */
  transition(nodeId: NodeId, alive: boolean): void;
  stop(): void;
}

interface Teller {
  /** To all neighbours; what came from one of them, to those who have not heard it. */
  flood(ads: readonly SignedLinkAd[], from?: TwinId): void;
  /** All that we know, to one. */
  tellAll(to: TwinId | undefined): void;
  /** Each neighbour once, for all that it knows: it may know us from before we began, and would not say it again soon. */
  askNeighbours(): void;
}

function createTeller({ messenger, clock, logger, links, twinOf }: LinkStateOptions, db: LinkStateDb): Teller {
  /** When a neighbour may be asked for all that it knows; never again once it heard. */
  const askAtMs = new Map<NodeId, number>();
  const send = async (to: TwinId, body: { readonly ads: readonly SignedLinkAd[]; readonly tellAll?: boolean }): Promise<boolean> => {
    try {
      await messenger.request({ to, method: linkStateMethod, body, timeoutMs: PATH_LIMITS.requestTimeoutMs });
      return true;
    } catch (error) {
      // Lost words are said again with the next change or refresh.
      logger.debug("link state not delivered", { to, reason: messageOf(error) });
      return false;
    }
  };
  const tell = (to: TwinId | undefined, ads: readonly SignedLinkAd[]): void => {
    if (to !== undefined && ads.length > 0) void send(to, { ads });
  };
  const tellAll = (to: TwinId | undefined): void => {
    for (const ads of inPieces(db.all())) tell(to, ads);
  };
  return {
    flood: (ads, from) => {
      for (const { to } of links()) if (twinOf(to) !== from) tell(twinOf(to), from === undefined ? ads : untold(ads, to));
    },
    tellAll,
    askNeighbours: () => {
      for (const { to } of links()) {
        const twinId = twinOf(to);
        if (twinId === undefined || (askAtMs.get(to) ?? 0) > clock.nowMs()) continue;
        askAtMs.set(to, Number.POSITIVE_INFINITY);
        void send(twinId, { ads: [], tellAll: true }).then((heard) => void (heard || askAtMs.set(to, clock.nowMs() + L.rateWindowMs)));
      }
    },
  };
}

export function linkStateService(options: LinkStateOptions): LinkStateService {
  const { nodeId, messenger, clock, logger } = options;
  const db = linkStateDb();
  const teller = createTeller(options, db);
  let said: LinkAd | undefined;
  let saidMs = Number.NEGATIVE_INFINITY;
  // A babbling node must not make everybody flood.
  const tooOften = perWindow<NodeId>(clock, L.adsPerWindow);
  const askedTooOften = perWindow<TwinId>(clock, L.tellAllPerWindow);
  const mayAsk = (from: TwinId): boolean => options.links().some(({ to }) => options.twinOf(to) === from) && !askedTooOften(from);

  const say = (): void => {
    const nowMs = clock.nowMs();
    const ad: LinkAd = { nodeId, seq: Math.max(nowMs, (said?.seq ?? 0) + 1), forwards: options.forwards, links: options.links() };
    const signed = signAd(options.pair, ad);
    [said, saidMs] = [ad, nowMs];
    db.take(ad, signed, nowMs);
    teller.flood([signed]);
    options.onChange();
  };
  const soon = gather(clock, say);
  const hear = async (signed: SignedLinkAd): Promise<boolean> => {
    const ad = readAd(signed);
    if (ad.nodeId === nodeId || !db.isNews(ad)) return false;
    if (tooOften(ad.nodeId)) return false;
    const account = await options.accountOf(ad.nodeId);
    if (account === undefined || !adIsFrom(signed, account)) throw fail("network.message_refused", { details: { nodeId: ad.nodeId } });
    return db.take(ad, signed, clock.nowMs());
  };
  const unhandle = messenger.handle(linkStateMethod, async ({ from, body }) => {
    if (body.tellAll === true) {
      // Refused, it asks again: by then we may know it.
      if (!mayAsk(from)) throw fail("network.message_refused", { details: { from } });
      teller.tellAll(from);
    }
    const news: SignedLinkAd[] = [];
    try {
      for (const signed of body.ads) if (await hear(signed)) news.push(signed);
    } catch (error) {
      if (isGridError(error)) logger.warn("a link state was refused", { from, code: error.code });
      throw error;
    } finally {
      if (news.length > 0) {
        teller.flood(news, from);
        options.onChange();
      }
    }
    return {};
  });

  return {
    db,
    tick: () => {
      const nowMs = clock.nowMs();
      teller.askNeighbours();
      if (db.expire(nowMs)) options.onChange();
      if (worthSaying(said?.links ?? [], options.links(), nowMs - saidMs)) say();
    },
    transition: (peer, alive) => {
      logger.info(alive ? "link is up" : "link is dead", { peer });
      void soon();
      if (alive) teller.tellAll(options.twinOf(peer));
    },
    stop: unhandle,
  };
}

/** Several links change in one instant when a node dies: one word for all of them. */
function gather(clock: Clock, say: () => void): () => Promise<void> {
  let waiting = false;
  return async () => {
    if (waiting) return;
    waiting = true;
    await clock.sleep(L.urgentGatherMs);
    waiting = false;
    say();
  };
}

/** Whether something has come from the same one more than `most` times in this window. */
function perWindow<O>(clock: Clock, most: number): (origin: O) => boolean {
  const heard = new Map<O, number>();
  let current = 0;
  return (origin) => {
    const window = Math.floor(clock.nowMs() / L.rateWindowMs);
    if (window !== current) heard.clear();
    current = window;
    const count = (heard.get(origin) ?? 0) + 1;
    heard.set(origin, count);
    return count > most;
  };
}

function inPieces(ads: readonly SignedLinkAd[]): SignedLinkAd[][] {
  return Array.from({ length: Math.ceil(ads.length / L.adsPerMessage) }, (_, index) => ads.slice(index * L.adsPerMessage, (index + 1) * L.adsPerMessage));
}

/** An origin tells its own neighbours itself: only those beyond are told by us, so that a full mesh hears every word once. */
const untold = (ads: readonly SignedLinkAd[], to: NodeId): readonly SignedLinkAd[] =>
  ads.filter((signed) => !readAd(signed).links.some((link) => link.to === to));

/** `silentMs`: since we last said something. */
function worthSaying(before: LinkAd["links"], now: LinkAd["links"], silentMs: number): boolean {
  if (silentMs >= L.refreshMs) return true;
  return silentMs >= restMs(before, now) && differs(before, now);
}

function restMs(before: LinkAd["links"], now: LinkAd["links"]): number {
  if (!sameLinks(before, now)) return L.gatherMs;
  return jumped(before, now) ? L.jumpMs : L.driftMs;
}

const sameLinks = (before: LinkAd["links"], now: LinkAd["links"]): boolean =>
  before.length === now.length && before.every((link, index) => link.to === now[index]?.to);

const jumped = (before: LinkAd["links"], now: LinkAd["links"]): boolean =>
  now.some(({ delayUs }, index) => {
    const last = before[index]?.delayUs ?? 0;
    return Math.abs(delayUs - last) > L.jumpUs && (delayUs > 2 * last || last > 2 * delayUs);
  });

/** Small movements of delay are not worth a flood: every word costs every node a message or more. */
function differs(before: LinkAd["links"], now: LinkAd["links"]): boolean {
  if (!sameLinks(before, now)) return true;
  return now.some((link, index) => {
    const last = before[index] as LinkAd["links"][number];
    const moved = Math.abs(link.delayUs - last.delayUs);
    return (moved > L.driftUs && moved > last.delayUs * L.driftShare) || Math.abs(link.lossPermille - last.lossPermille) >= L.driftLossPermille;
  });
}
