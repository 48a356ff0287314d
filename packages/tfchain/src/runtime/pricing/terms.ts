/** What a farm asks for its nodes beside the ledger's prices. */
import type { Farm, FarmTerms } from "../../types/entities.ts";

/** The ledger's own prices. */
export const LEDGER_TERMS: FarmTerms = { computePercent: 100, ipv4Percent: 100, trafficPercent: 100, rentDiscountPercent: null };

/** What the farm asks for at a moment: announced terms count from their time on, without anybody's call. */
export function termsAt({ pricing }: Pick<Farm, "pricing">, timeMs: number): FarmTerms {
  if (pricing === undefined) return LEDGER_TERMS;
  const { terms, next } = pricing;
  return next !== null && timeMs >= next.fromMs ? next.terms : terms;
}

/** What it will ask for when all that is announced is in force: what a plan should reckon with. */
export const announcedTerms = ({ pricing }: Pick<Farm, "pricing">): FarmTerms => pricing?.next?.terms ?? pricing?.terms ?? LEDGER_TERMS;

export const sameTerms = (a: FarmTerms, b: FarmTerms): boolean =>
  a.computePercent === b.computePercent && a.ipv4Percent === b.ipv4Percent && a.trafficPercent === b.trafficPercent && a.rentDiscountPercent === b.rentDiscountPercent;

/** Whether anything costs more; `rentDiscountPercent`: the ledger's, which stands where terms name none. */
export function dearer(wanted: FarmTerms, now: FarmTerms, rentDiscountPercent: number): boolean {
  const rent = (terms: FarmTerms): number => terms.computePercent * (100 - (terms.rentDiscountPercent ?? rentDiscountPercent));
  return (
    wanted.computePercent > now.computePercent ||
    wanted.ipv4Percent > now.ipv4Percent ||
    wanted.trafficPercent > now.trafficPercent ||
    rent(wanted) > rent(now)
  );
}
