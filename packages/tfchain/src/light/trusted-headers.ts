/** Headers that have been verified, by height, and no more of them than a bound. */
import { LIGHT_LIMITS } from "../limits.ts";
import { type HeaderFacts, type SignedHeader, factsOf } from "./signed-header.ts";

export interface TrustedHeader {
  readonly signed: SignedHeader;
  readonly facts: HeaderFacts;
}

export class TrustedHeaders {
  /** Ascending by height. */
  #rows: readonly TrustedHeader[] = [];
  readonly #max: number;

  constructor(max: number = LIGHT_LIMITS.trustedHeaders) {
    this.#max = max;
  }

  get(height: number): TrustedHeader | undefined {
    return this.#rows.find(({ facts }) => facts.height === height);
  }

  newest(): TrustedHeader | undefined {
    return this.#rows.at(-1);
  }

  /** The nearest header before this height: from there the way is the shortest. */
  before(height: number): TrustedHeader | undefined {
    return this.#rows.findLast(({ facts }) => facts.height < height);
  }

  /** The nearest header after this height. */
  after(height: number): TrustedHeader | undefined {
    return this.#rows.find(({ facts }) => facts.height > height);
  }

  /** The oldest go first when there are too many: the newest vouch for the longest time. */
  add(signed: SignedHeader): void {
    const facts = factsOf(signed);
    if (this.get(facts.height) !== undefined) return;
    const at = this.#rows.findLastIndex((row) => row.facts.height < facts.height) + 1;
    this.#rows = this.#rows.toSpliced(at, 0, { signed, facts }).slice(-this.#max);
  }
}
