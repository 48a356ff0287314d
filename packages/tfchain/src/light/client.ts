/**
 * The light client: from what is trusted to any header that a server shows, by the shortest way that proves it, and past the
 * witnesses. It asks servers through a port and keeps nothing but verified headers; every error names the server that caused it.
 */
import { type Clock, type GridError, type Logger, hasCode, isGridError, silentLogger } from "@tfgrid/primitives";
import { LIGHT_LIMITS } from "../limits.ts";
import { type Fraction, ONE_THIRD, type VerifySignature } from "./comet/commit.ts";
import { chainErrors } from "./errors.ts";
import { type CometHeaderProof, type HeaderFacts, type SignedHeader, factsOf, signedHeader } from "./signed-header.ts";
import type { ChainTrust } from "./trust.ts";
import { TrustedHeaders } from "./trusted-headers.ts";
import { verifyHeader, verifyNext, verifySoloOrder, type VerifyRules } from "./verify.ts";

/** One server, as far as headers go. Its answers are not believed. */
export interface HeaderSource {
  readonly url: string;
  /** Without a height: the newest. @throws GridError chain.*, light.bad_answer */
  header(height: number | undefined, signal: AbortSignal | undefined): Promise<SignedHeader>;
}

/** Where a program keeps its newest verified header between two runs, so that its trust does not expire while it is used. */
export interface TrustStore {
  load(): Promise<SignedHeader | undefined>;
  save(signed: SignedHeader): Promise<void>;
}

export interface LightClientOptions {
  readonly trust: ChainTrust;
  readonly clock: Pick<Clock, "nowMs">;
  /** Each new header is compared with theirs. */
  readonly witnesses?: readonly HeaderSource[];
  readonly store?: TrustStore | undefined;
  readonly trustPeriodMs?: number | undefined;
  readonly trustLevel?: Fraction | undefined;
  readonly verify?: VerifySignature | undefined;
  readonly logger?: Logger;
}

export class LightClient {
  readonly #options: LightClientOptions;
  readonly #logger: Logger;
  readonly #headers = new TrustedHeaders();
  /** One verification at a time: those who wait find the work done. */
  #last: Promise<unknown> = Promise.resolve();
  #loaded = false;

  /** @throws GridError chain.bad_config */
  constructor(options: LightClientOptions) {
    const { numerator, denominator } = options.trustLevel ?? ONE_THIRD;
    // Below a third, all signers that count could be dishonest.
    if (denominator <= 0n || numerator * ONE_THIRD.denominator < denominator || numerator > denominator) {
      throw chainErrors.fail("chain.bad_config", { message: "The trust level must be from 1/3 to 1." });
    }
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** The newest header that was verified. */
  newest(): HeaderFacts | undefined {
    return this.#headers.newest()?.facts;
  }

  /**
   * What a header says, when it is the chain's.
   * @throws GridError light.* with `url` in its details, chain.* when the server does not give what the proof needs
   */
  verify(signed: SignedHeader, source: HeaderSource, signal?: AbortSignal): Promise<HeaderFacts> {
    const facts = factsOf(signed);
    if (this.#headers.get(facts.height)?.facts.hash === facts.hash) return Promise.resolve(facts);
    const own = this.#last.then(() => named(source.url, () => this.#verifyNow({ signed, facts, source, signal })));
    this.#last = own.catch(() => undefined);
    return own;
  }

  async #verifyNow(task: Task): Promise<HeaderFacts> {
    const { signed, facts, source } = task;
    await this.#load();
    const known = this.#headers.get(facts.height);
    if (known?.facts.hash === facts.hash) return facts;
    const trace = await this.#prove(task);
    // A header of a height that is known, as well proven as the known one: whoever signed both broke the chain.
    if (known !== undefined) throw forked({ ours: known.signed, theirs: signed, url: "", witnessUrl: source.url });
    await this.#askWitnesses(task);
    for (const header of trace) this.#headers.add(header);
    await this.#save(facts);
    return facts;
  }

  get #rules(): VerifyRules & { readonly trustPeriodMs: number } {
    const { clock, trust, trustLevel, verify } = this.#options;
    const unbounded = "validatorsHash" in trust && trust.timeMs === undefined;
    const trustPeriodMs = this.#options.trustPeriodMs ?? (unbounded ? Number.POSITIVE_INFINITY : LIGHT_LIMITS.trustPeriodMs);
    return { nowMs: clock.nowMs(), trustPeriodMs, ...(trustLevel === undefined ? {} : { trustLevel }), ...(verify === undefined ? {} : { verify }) };
  }

  /** The headers that the proof led over, the wanted one last. */
  async #prove(task: Task): Promise<readonly SignedHeader[]> {
    const { signed, facts } = task;
    const { trust } = this.#options;
    if (signed.type === "solo" || "authority" in trust) {
      verifyHeader(signed, trust);
      if (signed.type === "solo") verifySoloOrder(signed, this.#headers.before(facts.height)?.signed, this.#headers.after(facts.height)?.signed);
      return [signed];
    }
    const before = this.#headers.before(facts.height)?.signed ?? (await this.#begin(task));
    if (before.type !== "cometbft") throw chainErrors.fail("light.wrong_chain");
    if (factsOf(before).hash === facts.hash) return [signed];
    return [before, ...(await this.#skip({ from: before, to: signed, task }))];
  }

  /** The first header that is trusted, or the wanted one itself when the trusted validators made it. */
  async #begin({ signed, facts, source, signal }: Task): Promise<SignedHeader> {
    const { trust } = this.#options;
    const rules = this.#rules;
    if ("authority" in trust) throw new Error("an authority needs no first header");
    if ("hash" in trust) {
      if (facts.height < trust.height) throw unproven(facts, trust.height);
      const first = facts.height === trust.height ? signed : await source.header(trust.height, signal);
      verifyHeader(first, trust, rules);
      return first;
    }
    const direct = signed.type === "cometbft" && signed.header.validatorsHash === trust.validatorsHash;
    const first = direct ? signed : await oldestHeader(source, signal);
    verifyHeader(first, trust, rules);
    return first;
  }

  async #skip(way: Way): Promise<readonly SignedHeader[]> {
    const { to, task } = way;
    const goals: CometHeaderProof[] = [to];
    const trace: CometHeaderProof[] = [];
    let { from } = way;
    for (let step = 0; step < LIGHT_LIMITS.bisectionSteps; step += 1) {
      const goal = goals.at(-1);
      if (goal === undefined) return trace;
      const verdict = verifyNext(from, goal, this.#rules);
      if (verdict.kind === "verified") {
        from = goal;
        trace.push(goal);
        goals.pop();
      } else {
        const middle = Math.floor((from.header.height + goal.header.height) / 2);
        goals.push(await headerOf({ source: task.source, height: middle, signal: task.signal }));
      }
    }
    throw unproven(task.facts, from.header.height);
  }

  /** @throws GridError light.fork_detected, light.no_witness */
  async #askWitnesses(task: Task): Promise<void> {
    const { witnesses = [] } = this.#options;
    const others = witnesses.filter(({ url }) => url !== task.source.url);
    if (others.length === 0) return;
    const answers = await Promise.all(others.map((witness) => this.#compare(task, witness)));
    if (answers.some((agrees) => agrees)) return;
    throw chainErrors.fail("light.no_witness", { details: { height: task.facts.height, witnesses: others.map(({ url }) => url) } });
  }

  /** False: this witness cannot say, or lies and was named. */
  async #compare(task: Task, witness: HeaderSource): Promise<boolean> {
    const { facts, signed, source, signal } = task;
    let theirs: SignedHeader;
    try {
      theirs = await witness.header(facts.height, signal);
      const other = factsOf(theirs);
      if (other.height === facts.height && other.hash === facts.hash) return true;
      if (other.height !== facts.height) throw wrongHeight(facts.height, other.height);
      await this.#prove({ signed: theirs, facts: other, source: witness, signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (!isGridError(error) || error.code === "light.fork_detected") throw error;
      this.#logger.warn("a witness did not confirm a header", { witness: witness.url, height: facts.height, error });
      return false;
    }
    throw forked({ ours: signed, theirs, url: source.url, witnessUrl: witness.url });
  }

  async #load(): Promise<void> {
    const { store, trust } = this.#options;
    if (this.#loaded || store === undefined) return;
    const kept = await store.load();
    this.#loaded = true;
    if (kept === undefined || kept.header.chainId !== trust.chainId || (kept.type === "solo") !== "authority" in trust) return;
    const { height, timeMs } = factsOf(kept);
    const { nowMs, trustPeriodMs } = this.#rules;
    // Older than what was configured since, or not used for long: what is configured counts.
    if (("hash" in trust && height < trust.height) || timeMs + trustPeriodMs <= nowMs) return;
    this.#headers.add(kept);
  }

  async #save(facts: HeaderFacts): Promise<void> {
    const newest = this.#headers.newest();
    if (newest === undefined || newest.facts.hash !== facts.hash) return;
    await this.#options.store?.save(newest.signed);
  }
}

interface Task {
  readonly signed: SignedHeader;
  readonly facts: HeaderFacts;
  readonly source: HeaderSource;
  readonly signal: AbortSignal | undefined;
}

interface Way {
  readonly from: CometHeaderProof;
  readonly to: CometHeaderProof;
  readonly task: Task;
}

async function headerOf(wanted: { readonly source: HeaderSource; readonly height: number; readonly signal: AbortSignal | undefined }): Promise<CometHeaderProof> {
  const { source, height, signal } = wanted;
  const signed = await source.header(height, signal);
  if (signed.header.height !== height) throw wrongHeight(height, signed.header.height);
  if (signed.type !== "cometbft") throw chainErrors.fail("light.wrong_chain", { details: { engine: signed.type } });
  return signed;
}

/** CometBFT's first block, or the first that the server still has. */
async function oldestHeader(source: HeaderSource, signal: AbortSignal | undefined): Promise<SignedHeader> {
  try {
    return await headerOf({ source, height: 1, signal });
  } catch (error) {
    const first = isGridError(error) && hasCode(error, "chain.height_pruned") ? error.details["firstRetainedHeight"] : undefined;
    if (typeof first !== "number") throw error;
    return headerOf({ source, height: first, signal });
  }
}

const wrongHeight = (wanted: number, height: number): GridError =>
  chainErrors.fail("light.wrong_height", { message: `The server answered height ${height} when it was asked for ${wanted}.`, details: { wanted, height } });

const unproven = (facts: HeaderFacts, trustedHeight: number): GridError =>
  chainErrors.fail("light.trust_unproven", { details: { height: facts.height, hash: facts.hash, trustedHeight } });

interface Fork {
  readonly ours: SignedHeader;
  readonly theirs: SignedHeader;
  /** Empty: the first was shown earlier. */
  readonly url: string;
  readonly witnessUrl: string;
}

function forked({ ours, theirs, url, witnessUrl }: Fork): GridError {
  const [one, two] = [factsOf(ours), factsOf(theirs)];
  const evidence = [ours, theirs].map((signed) => JSON.stringify(signedHeader.toJson(signed)));
  return chainErrors.fail("light.fork_detected", {
    message: `Height ${one.height} has two signed blocks: ${one.hash}${url === "" ? " (seen before)" : ` (${url})`} and ${two.hash} (${witnessUrl}).`,
    details: { height: one.height, hash: one.hash, otherHash: two.hash, witnessUrl, evidence },
  });
}

type ChainCode = Parameters<typeof chainErrors.fail>[0];
const isLightCode = (code: string): code is ChainCode => code.startsWith("light.") && code in chainErrors.catalogue;

/** Adds the server to what went wrong with its answers. */
export async function named<T>(url: string, run: () => Promise<T> | T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isGridError(error)) throw error;
    const { code, message, details, cause } = error;
    if (!isLightCode(code) || details["url"] !== undefined) throw error;
    throw chainErrors.fail(code, { message: `${message} (${url})`, details: { ...details, url }, cause });
  }
}
