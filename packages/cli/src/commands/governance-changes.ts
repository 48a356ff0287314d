/** From words of the command line to what a proposal would do, and back to words. */
import type { chain } from "@tfgrid/tfchain";
import { cliErrors } from "../errors.ts";
import { parseAccount, parseCid, parseCount } from "./ledger.ts";

type Change = chain.Change;

interface Kind {
  readonly usage: string;
  readonly read: (words: readonly string[]) => Change;
}

const MOST = Number.MAX_SAFE_INTEGER;


/** `KEY:POWER` */
function validatorOf(text: string): chain.Validator {
  const [key = "", power = "1"] = text.split(":");
  return { publicKey: parseAccount(key), power: parseCount(power, "power", [1, 1_000_000]) };
}

const KINDS: Readonly<Record<string, Kind>> = {
  parameter: {
    usage: "parameter NAME VALUE (see `tfgrid governance parameters`)",
    read: ([name = "", value = ""]) => ({ type: "parameter", name, value: parseCount(value, "parameter value", [0, MOST]) }),
  },
  certifiers: { usage: "certifiers ACCOUNT...", read: (words) => ({ type: "certifiers", accounts: words.map(parseAccount) }) },
  feeders: { usage: "feeders ACCOUNT...", read: (words) => ({ type: "feeders", accounts: words.map(parseAccount) }) },
  validators: { usage: "validators KEY:POWER... (the whole set)", read: (words) => ({ type: "validators", validators: words.map(validatorOf) }) },
  "os-release": { usage: "os-release VERSION CID", read: ([version = "", cid = ""]) => ({ type: "os_release", version, document: parseCid(cid) }) },
  terms: { usage: "terms VERSION CID", read: ([version = "", cid = ""]) => ({ type: "terms", version: parseCount(version, "version", [1, MOST]), document: parseCid(cid) }) },
  upgrade: {
    usage: "upgrade STATE-VERSION HEIGHT [RELEASE]",
    read: ([version = "", height = "", release]) => ({
      type: "upgrade",
      stateVersion: parseCount(version, "state version", [1, MOST]),
      atHeight: parseCount(height, "height", [1, MOST]),
      ...(release === undefined ? {} : { release }),
    }),
  },
};

export const CHANGE_USAGES = Object.values(KINDS).map(({ usage }) => usage);

/** @throws GridError cli.bad_argument */
export function parseChange(kind: string, words: readonly string[]): Change {
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) throw cliErrors.fail("cli.bad_argument", { message: `Nothing can be proposed about "${kind}". What can:\n  ${CHANGE_USAGES.join("\n  ")}` });
  return known.read(words);
}

export function changeInWords(change: Change): string {
  switch (change.type) {
    case "parameter":
      return `${change.name} = ${change.value}`;
    case "certifiers":
    case "feeders":
      return `${change.type}: ${change.accounts.map((account) => account.slice(0, 8)).join(", ") || "nobody"}`;
    case "validators":
      return `validators: ${change.validators.map(({ publicKey, power }) => `${publicKey.slice(0, 8)}:${power}`).join(", ")}`;
    case "os_release":
      return `operating system ${change.version}`;
    case "terms":
      return `terms, version ${change.version}`;
    case "upgrade":
      return `state version ${change.stateVersion} at height ${change.atHeight}`;
    default:
      return change satisfies never;
  }
}
