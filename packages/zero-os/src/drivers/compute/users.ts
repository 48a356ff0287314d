import { fail } from "./errors.ts";
import { COMPUTE_LIMITS as L } from "./limits.ts";

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** `user`, `uid`, `user:group`, `uid:gid` as Docker reads them, against the image's own account files. */
export function resolveUser(user: string, passwdText: string, groupText: string): ProcessUser {
  const [userPart = "", groupPart = ""] = user.split(":", 2);
  const accounts = parsePasswd(passwdText);
  const groups = parseGroup(groupText);
  const account = userPart === "" ? accounts.find((entry) => entry.uid === 0) : findAccount(accounts, userPart);
  const uid = userPart === "" ? 0 : (account?.uid ?? numericId(userPart, user));
  const gid =
    groupPart === "" ? (account?.gid ?? 0) : (groups.find((entry) => entry.name === groupPart)?.gid ?? numericId(groupPart, user));
  // An explicit group stands alone; otherwise the account's memberships come along. The primary group is always one of
  // them (CVE-2022-36109): without it, a file that is closed to that group would be open to a process that dropped it.
  const member = groupPart === "" && account !== undefined ? groups.filter((entry) => entry.members.includes(account.name)) : [];
  const additionalGids = [...new Set([gid, ...member.map((entry) => entry.gid)])].sort((a, b) => a - b);
  return { uid, gid, additionalGids, home: account?.home === undefined || account.home === "" ? "/" : account.home };
}

function findAccount(accounts: readonly Account[], text: string): Account | undefined {
  return accounts.find((entry) => entry.name === text) ?? accounts.find((entry) => /^\d+$/.test(text) && entry.uid === Number(text));
}

function numericId(text: string, user: string): number {
  const id = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(id) || id >= L.idsPerRange) {
    throw fail("compute.unknown_user", {
      message: `The image has no user or group "${text}" and it is no id below 65536.`,
      details: { user },
    });
  }
  return id;
}

function parsePasswd(text: string): Account[] {
  const accounts: Account[] = [];
  for (const line of text.split("\n")) {
    const [name, , uid, gid, , home] = line.split(":");
    if (name === undefined || !isId(uid) || !isId(gid)) continue;
    accounts.push({ name, uid: Number(uid), gid: Number(gid), home: home ?? "" });
  }
  return accounts;
}

function parseGroup(text: string): { name: string; gid: number; members: string[] }[] {
  const groups: { name: string; gid: number; members: string[] }[] = [];
  for (const line of text.split("\n")) {
    const [name, , gid, members] = line.split(":");
    if (name === undefined || !isId(gid)) continue;
    groups.push({ name, gid: Number(gid), members: (members ?? "").split(",").map((member) => member.trim()) });
  }
  return groups;
}

function isId(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) < L.idsPerRange;
}
