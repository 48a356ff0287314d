/** Whether one header follows from what is trusted. Pure: values in, verdict out. */
import { type Hex, bytesToHex, verify as verifyStrict, verifyZip215 } from "@tfgrid/primitives";
import { LIGHT_LIMITS } from "../limits.ts";
import { type Fraction, ONE_THIRD, type VerifySignature, signedByTrusted, verifyOwnCommit, verifyParts } from "./comet/commit.ts";
import { chainErrors } from "./errors.ts";
import { headerBytes } from "./header.ts";
import { type CometHeaderProof, type HeaderFacts, type SignedHeader, type SoloHeader, factsOf, signedHeader } from "./signed-header.ts";
import type { ChainTrust, TrustedAuthority } from "./trust.ts";

export interface VerifyRules {
  readonly nowMs: number;
  /** ms. See LIGHT_LIMITS. */
  readonly trustPeriodMs?: number;
  readonly clockDriftMs?: number;
  /** At least one third. */
  readonly trustLevel?: Fraction;
  readonly verify?: VerifySignature;
}

/** @throws GridError light.wrong_chain, light.bad_header_signature */
export function verifySolo(signed: SoloHeader, trust: TrustedAuthority): void {
  const { header, signature } = signed;
  if (header.chainId !== trust.chainId || header.authority !== trust.authority) {
    throw chainErrors.fail("light.wrong_chain", {
      message: `The header is of chain ${header.chainId} under ${header.authority}; ${trust.chainId} under ${trust.authority} is trusted.`,
      details: { chainId: header.chainId, authority: header.authority, trustedChainId: trust.chainId, trustedAuthority: trust.authority },
    });
  }
  if (!verifyStrict({ account: trust.authority, domain: "tfgrid/header/v1", message: headerBytes(header), signature })) {
    throw chainErrors.fail("light.bad_header_signature", { details: { height: header.height, signer: trust.authority } });
  }
}

/**
 * A header by what was trusted from the beginning alone.
 * @throws GridError light.wrong_chain, light.bad_*, light.not_enough_power, light.trust_expired; light.trust_unproven when another header must come first
 */
export function verifyHeader(signed: SignedHeader, trust: ChainTrust, rules?: VerifyRules): void {
  if ("authority" in trust) {
    if (signed.type !== "solo") throw wrongChain(signed, trust);
    return verifySolo(signed, trust);
  }
  if (signed.type !== "cometbft" || signed.header.chainId !== trust.chainId) throw wrongChain(signed, trust);
  verifyParts(signed);
  const facts = factsOf(signed);
  if ("hash" in trust ? facts.hash !== trust.hash || facts.height !== trust.height : signed.header.validatorsHash !== trust.validatorsHash) {
    throw chainErrors.fail("light.trust_unproven", { details: { height: facts.height, hash: facts.hash, validatorsHash: signed.header.validatorsHash } });
  }
  if ("validatorsHash" in trust && trust.timeMs !== undefined && rules !== undefined) requireTrustPeriod({ height: 0, timeMs: trust.timeMs }, rules);
  verifyOwnCommit(signed, rules?.verify);
}

function wrongChain(signed: SignedHeader, trust: ChainTrust): Error {
  return chainErrors.fail("light.wrong_chain", {
    message: `The header is of chain ${signed.header.chainId} by ${signed.type}; chain ${trust.chainId}${"authority" in trust ? " by solo" : " by cometbft"} is trusted.`,
    details: { chainId: signed.header.chainId, engine: signed.type, trustedChainId: trust.chainId },
  });
}

/**
 * One authority signs each header alone; still its headers must follow each other.
 * @throws GridError light.bad_time, light.fork_detected
 */
export function verifySoloOrder(signed: SoloHeader, before: SignedHeader | undefined, after: SignedHeader | undefined): void {
  const { height, timeMs, parentHash } = signed.header;
  for (const [older, newer] of [[before, signed], [signed, after]] as const) {
    if (older?.type !== "solo" || newer?.type !== "solo") continue;
    if (older.header.timeMs > newer.header.timeMs) {
      throw chainErrors.fail("light.bad_time", { details: { height, timeMs, olderTimeMs: older.header.timeMs, newerTimeMs: newer.header.timeMs } });
    }
    if (older.header.height + 1 !== newer.header.height || newer.header.parentHash === factsOf(older).hash) continue;
    throw chainErrors.fail("light.fork_detected", {
      message: `The block of height ${newer.header.height} does not follow the one before it.`,
      details: { height, parentHash, hash: factsOf(older).hash, evidence: [older, newer].map((one) => JSON.stringify(signedHeader.toJson(one))) },
    });
  }
}

/** @throws GridError light.trust_expired */
function requireTrustPeriod(trusted: { readonly height: number; readonly timeMs: number }, rules: VerifyRules): void {
  const { nowMs, trustPeriodMs = LIGHT_LIMITS.trustPeriodMs } = rules;
  if (trusted.timeMs + trustPeriodMs > nowMs) return;
  throw chainErrors.fail("light.trust_expired", {
    details: { trustedHeight: trusted.height, ageMs: nowMs - trusted.timeMs, trustPeriodMs },
  });
}

export type Verdict =
  /** The header is the chain's. */
  | { readonly kind: "verified" }
  /** Too few of the trusted validators signed it: verify one between first. */
  | { readonly kind: "bisect" };

/**
 * A later header of a CometBFT chain by an earlier one that is trusted: next to it by the validators that it names, further away
 * by the trust level of its own validators.
 * @throws GridError light.wrong_chain, light.trust_expired, light.bad_*, light.not_enough_power
 */
export function verifyNext(trusted: CometHeaderProof, untrusted: CometHeaderProof, rules: VerifyRules): Verdict {
  const verify = onceEach(rules.verify ?? verifyZip215);
  const [from, to] = [factsOf(trusted), factsOf(untrusted)];
  if (from.chainId !== to.chainId) throw wrongChain(untrusted, { chainId: from.chainId, height: from.height, hash: from.hash });
  requireTrustPeriod(from, rules);
  verifyParts(untrusted);
  requireTime({ from, to, later: untrusted.header.timeNs > trusted.header.timeNs, rules });
  if (to.height === from.height + 1) {
    requireNamedSet(trusted.header.nextValidatorsHash, untrusted);
  } else if (!signedByTrusted({ signed: untrusted, trusted: trusted.validators, level: rules.trustLevel ?? ONE_THIRD, verify })) {
    return { kind: "bisect" };
  }
  verifyOwnCommit(untrusted, verify);
  return { kind: "verified" };
}

/** A validator of both sets votes once and is counted twice: its signature, the dear part, is checked once. */
function onceEach(verify: VerifySignature): VerifySignature {
  const known = new Map<string, boolean>();
  return (options) => {
    const key = [options.publicKey, options.message, options.signature].map(bytesToHex).join("/");
    const valid = known.get(key) ?? verify(options);
    known.set(key, valid);
    return valid;
  };
}

/** @throws GridError light.bad_time */
function requireTime(options: { readonly from: HeaderFacts; readonly to: HeaderFacts; readonly later: boolean; readonly rules: VerifyRules }): void {
  const { from, to, later, rules } = options;
  const { nowMs, clockDriftMs = LIGHT_LIMITS.clockDriftMs } = rules;
  if (to.height > from.height && later && to.timeMs < nowMs + clockDriftMs) return;
  throw chainErrors.fail("light.bad_time", {
    message: `Height ${to.height} is of ${to.timeMs}, the trusted height ${from.height} of ${from.timeMs}, and now is ${nowMs}.`,
    details: { height: to.height, timeMs: to.timeMs, trustedHeight: from.height, trustedTimeMs: from.timeMs, nowMs, clockDriftMs },
  });
}

/** @throws GridError light.bad_validators */
function requireNamedSet(expected: Hex, { header }: CometHeaderProof): void {
  if (header.validatorsHash === expected) return;
  throw chainErrors.fail("light.bad_validators", {
    message: "The validators are not those that the trusted header before names as next.",
    details: { height: header.height, validatorsHash: header.validatorsHash, expectedHash: expected },
  });
}
