/**
 * One maker for every call that a transaction can ask for: it looks at the ledger and asks for something that may well be
 * granted. The table's type lacks none, so a new call does not compile until it has its maker here.
 */
import { type AccountId, type Hex, type TwinId, encode } from "@tfgrid/primitives";
import { type Call, type CallType, joinTokenBody, keyRotationBody } from "../../src/types/calls.ts";
import type { Contract, Farm, Node, Solution } from "../../src/types/entities.ts";
import type { Change, Proposal } from "../../src/types/governance.ts";
import type { Service } from "../../src/types/ledger.ts";
import { CHAIN, type Chain, PROFILE, accountOf, cid, keyOf, share, zeroResources } from "../unit/runtime-harness.ts";

/** Everybody who ever signs: those without a twin may get one by creation, rotation or transfer. */
export const NAMES = ["user", "other", "agent", "farmer", "node1", "node2", "node3", "node4", "heir", "spare1", "spare2", "spare3", "cert1", "cert2", "feed1", "feed2"] as const;
const BY_ACCOUNT = new Map<AccountId, string>(NAMES.map((name) => [accountOf(name), name]));
export const nameOf = (account: AccountId): string => BY_ACCOUNT.get(account) ?? "user";

/** What chance decides in one step. */
export interface Dice {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly units: bigint;
}
export interface Wish<K extends CallType = CallType> {
  readonly who: string;
  readonly call: Extract<Call, { type: K }>;
}
/** Undefined: nothing of the kind can be asked for as things stand. */
type Maker<K extends CallType> = (chain: Chain, dice: Dice) => Wish<K> | undefined;

const PAGE = { limit: 1_000 };
const pick = <T>(rows: readonly T[], n: number): T | undefined => rows[n % Math.max(1, rows.length)];
const twins = (chain: Chain) => chain.read.twins(PAGE);
/** Whoever holds the key of a twin now. */
export const holder = (chain: Chain, id: TwinId): string => nameOf(chain.read.twin(id)?.account ?? accountOf("user"));
const someone = (chain: Chain, n: number): string => holder(chain, pick(twins(chain), n)?.id ?? (1 as TwinId));
const withoutTwin = (chain: Chain): readonly string[] => NAMES.filter((name) => chain.read.twinByAccount(accountOf(name)) === undefined && !/^(cert|feed)/.test(name));
const anyFarm = (chain: Chain, n: number): Farm | undefined => pick(chain.read.farms(PAGE), n);
const anyNode = (chain: Chain, n: number): Node | undefined => pick(chain.read.nodes(PAGE), n);
const farmerOf = (chain: Chain, node: Node): string => holder(chain, chain.read.farm(node.farmId)!.twinId);
const alive = (chain: Chain): readonly Contract[] => chain.read.contracts({ ...PAGE, active: true });
const own = (chain: Chain): readonly Contract[] => alive(chain).filter(({ solutionId }) => solutionId === null);
const live = (chain: Chain): readonly Solution[] => chain.read.solutions(PAGE).filter(({ state }) => state !== "cancelled");
const services = (chain: Chain, ...states: Service["state"][]): readonly Service[] => chain.read.services(PAGE).filter(({ state }) => states.includes(state));
const proposals = (chain: Chain, state: Proposal["state"]): readonly Proposal[] => chain.read.proposals(PAGE).filter((row) => row.state === state);
const tiny = ({ a, b }: Dice) => ({ ...zeroResources, cpuMilli: 100 * (1 + (a % 5)), memoryBytes: 2 ** 27 * (1 + (b % 4)), ssdBytes: 2 ** 30 });
const encryptionKey = keyOf("user").encryptionKey;
const certifier = (chain: Chain, n: number): string => nameOf(pick(chain.read.charter().certifiers, n) ?? accountOf("cert1"));
const signerOf = (chain: Chain, { signers }: Solution, n: number): string => holder(chain, pick(signers, n)!.twinId);

const CHANGES: readonly ((dice: Dice, chain: Chain) => Change)[] = [
  ({ a }) => ({ type: "parameter", name: "pricing.cuMicroUsdPerHour", value: 20_000 + a * 10 }),
  ({ a }) => ({ type: "parameter", name: "stake.levels.1.discountPercent", value: a % 60 }),
  ({ a }) => ({ type: "parameter", name: "governance.depositUnits", value: a * 1_000 }),
  ({ a }) => ({ type: "certifiers", accounts: ["cert1", "cert2"].slice(a % 2).map(accountOf) }),
  ({ a }) => ({ type: "feeders", accounts: ["feed1", "feed2"].slice(a % 2).map(accountOf) }),
  ({ a, b }) => ({ type: "validators", validators: [{ publicKey: accountOf("spare1"), power: 1 + a }, { publicKey: accountOf("spare2"), power: 1 + b }] }),
  ({ a }) => ({ type: "os_release", version: `1.0.${a}`, document: cid("os") }),
  (_, chain) => ({ type: "terms", version: (chain.read.charter().terms?.version ?? 0) + 1, document: cid("terms") }),
  (_, chain) => ({ type: "upgrade", stateVersion: 9, atHeight: chain.height + 1_000_000 }),
];

/** By which farm or stake a vote or veto may be cast. */
function voter(chain: Chain, { a, b }: Dice): { readonly who: string; readonly farmId: Farm["id"] | null } | undefined {
  const staked = twins(chain).filter(({ id }) => chain.read.stake(id) !== undefined);
  const stake = pick(staked, a);
  if (b % 2 === 0 && stake !== undefined) return { who: holder(chain, stake.id), farmId: null };
  const farm = anyFarm(chain, a);
  return farm === undefined ? undefined : { who: holder(chain, farm.twinId), farmId: farm.id };
}

export const MAKERS: { readonly [K in CallType]: Maker<K> } = {
  "accounts.transfer": (chain, { a, b, units }) => ({ who: someone(chain, a), call: { type: "accounts.transfer", to: accountOf(pick(NAMES, b)!), amountUnits: units } }),
  "accounts.stake": (chain, { a, b, units }) => ({ who: someone(chain, a), call: { type: "accounts.stake", amountUnits: units * 100n, level: b % 4 } }),
  "accounts.unstake": (chain, { a }) => {
    const rows = twins(chain).filter(({ id }) => (chain.read.stake(id)?.unlocksAtMs ?? Infinity) <= chain.timeMs);
    return { who: rows.length === 0 ? someone(chain, a) : holder(chain, pick(rows, a)!.id), call: { type: "accounts.unstake" } };
  },
  "accounts.burn": (chain, { a, units }) => ({ who: someone(chain, a), call: { type: "accounts.burn", amountUnits: units } }),
  "twins.create": (chain, { a }) => {
    const name = pick(withoutTwin(chain), a);
    return name === undefined ? undefined : { who: name, call: { type: "twins.create", relays: [], encryptionKey } };
  },
  "twins.update": (chain, { a }) => ({ who: someone(chain, a), call: { type: "twins.update", relays: [`/r/${a}`], encryptionKey } }),
  "twins.rotate_key": (chain, { a, b }) => {
    const [twin, to] = [pick(twins(chain), a), pick(withoutTwin(chain), b)];
    if (twin === undefined || to === undefined) return undefined;
    const body = { chainId: CHAIN, twinId: twin.id, account: accountOf(to), expiresAtMs: chain.timeMs + 3_600_000 };
    const proof = keyOf(to).sign("tfgrid/rotate-key/v1", encode(keyRotationBody, body));
    return { who: nameOf(twin.account), call: { type: "twins.rotate_key", account: body.account, encryptionKey, expiresAtMs: body.expiresAtMs, proof } };
  },
  "twins.offer": (chain, { a, b }) => {
    const to = pick(withoutTwin(chain), b);
    return { who: someone(chain, a), call: { type: "twins.offer", to: to === undefined || a % 5 === 0 ? null : accountOf(to) } };
  },
  "twins.accept": (chain, { a }) => {
    const twin = pick(twins(chain).filter(({ id }) => chain.read.twinOffer(id) !== undefined), a);
    return twin === undefined ? undefined : { who: nameOf(chain.read.twinOffer(twin.id)!), call: { type: "twins.accept", twinId: twin.id, relays: [], encryptionKey } };
  },
  "twins.close": (chain, { a }) => ({ who: holder(chain, pick(twins(chain).slice(-3), a)!.id), call: { type: "twins.close" } }),
  "twins.accept_terms": (chain, { a }) => ({ who: someone(chain, a), call: { type: "twins.accept_terms", version: chain.read.charter().terms?.version ?? 1 } }),
  "farms.create": (chain, { a, b }) => ({ who: someone(chain, a), call: { type: "farms.create", name: `farm-${b % 20}`, dedicated: false } }),
  "farms.update": (chain, { a, b, c }) => {
    const farm = anyFarm(chain, a);
    return farm && { who: holder(chain, farm.twinId), call: { type: "farms.update", farmId: farm.id, name: b % 2 === 0 ? farm.name : `farm-${b % 20}`, dedicated: c % 9 === 0 } };
  },
  "farms.add_ip": (chain, { a, b }) => {
    const farm = anyFarm(chain, b);
    return farm && { who: holder(chain, farm.twinId), call: { type: "farms.add_ip", farmId: farm.id, ip: `185.69.166.${10 + (a % 40)}/24`, gateway: "185.69.166.1" } };
  },
  "farms.remove_ip": (chain, { a }) => {
    const farm = pick(chain.read.farms(PAGE).filter(({ publicIps }) => publicIps.length > 0), a);
    return farm && { who: holder(chain, farm.twinId), call: { type: "farms.remove_ip", farmId: farm.id, ip: pick(farm.publicIps, a)!.ip } };
  },
  "farms.set_payout": (chain, { a, b }) => {
    const farm = anyFarm(chain, a);
    return farm && { who: holder(chain, farm.twinId), call: { type: "farms.set_payout", farmId: farm.id, account: b % 3 === 0 ? null : accountOf(pick(NAMES, b)!) } };
  },
  "farms.set_pricing": (chain, { a, b, c }) => {
    const farm = anyFarm(chain, a);
    const percent = (n: number): number => 45 + (n % 8) * 20;
    const terms = { computePercent: percent(a), ipv4Percent: percent(b), trafficPercent: percent(c), rentDiscountPercent: b % 3 === 0 ? null : (c * 10) % 90 };
    return farm && { who: holder(chain, farm.twinId), call: { type: "farms.set_pricing", farmId: farm.id, terms: c % 4 === 0 ? null : terms } };
  },
  "farms.delete": (chain, { a }) => {
    const farm = pick(chain.read.farms(PAGE).slice(1), a);
    return farm && { who: holder(chain, farm.twinId), call: { type: "farms.delete", farmId: farm.id } };
  },
  "farms.offer": (chain, { a, b }) => {
    const farm = anyFarm(chain, a);
    return farm && { who: holder(chain, farm.twinId), call: { type: "farms.offer", farmId: farm.id, to: b % 4 === 0 ? null : pick(twins(chain), b)!.id } };
  },
  "farms.accept": (chain, { a }) => {
    const farm = pick(chain.read.farms(PAGE).filter(({ id }) => chain.read.farmOffer(id) !== undefined), a);
    return farm && { who: holder(chain, chain.read.farmOffer(farm.id)!), call: { type: "farms.accept", farmId: farm.id } };
  },
  "farms.certify": (chain, { a, b }) => {
    const farm = anyFarm(chain, a);
    return farm && { who: certifier(chain, b), call: { type: "farms.certify", farmId: farm.id, certification: b % 2 === 0 ? "gold" : "not_certified" } };
  },
  "nodes.register": (chain, { a, b }) => {
    const [farm, name] = [anyFarm(chain, a), pick(["node3", "node4", "spare3", "heir"].filter((row) => chain.read.twinByAccount(accountOf(row)) !== undefined), b)];
    if (farm === undefined || name === undefined) return undefined;
    const body = { chainId: CHAIN, farmId: farm.id, expiresAtMs: chain.timeMs + 3_600_000 };
    const signature = keyOf(holder(chain, farm.twinId)).sign("tfgrid/join-token/v1", encode(joinTokenBody, body));
    return { who: name, call: { type: "nodes.register", joinToken: { ...body, signature }, ...PROFILE } };
  },
  "nodes.update": (chain, { a, b }) => {
    const node = anyNode(chain, a);
    if (node === undefined) return undefined;
    const publicConfig = node.publicConfig === undefined ? {} : { publicConfig: node.publicConfig };
    const total = { ...PROFILE.total, memoryBytes: PROFILE.total.memoryBytes - (b % 3) * 2 ** 33 };
    return { who: holder(chain, node.twinId), call: { type: "nodes.update", nodeId: node.id, ...PROFILE, total, ...publicConfig } };
  },
  "nodes.heartbeat": (chain, { a }) => {
    const node = anyNode(chain, a);
    return node && { who: holder(chain, node.twinId), call: { type: "nodes.heartbeat", nodeId: node.id, uptimeSec: a } };
  },
  "nodes.delete": (chain, { a }) => {
    // The last ones only: a grid without nodes shows nothing.
    const node = pick(chain.read.nodes(PAGE).slice(2), a) ?? (a % 50 === 0 ? anyNode(chain, 1) : undefined);
    return node && { who: a % 2 === 0 ? farmerOf(chain, node) : holder(chain, node.twinId), call: { type: "nodes.delete", nodeId: node.id } };
  },
  "nodes.certify": (chain, { a, b }) => {
    const node = anyNode(chain, a);
    return node && { who: certifier(chain, a), call: { type: "nodes.certify", nodeId: node.id, certification: b % 2 === 0 ? "certified" : "diy" } };
  },
  "nodes.report_violation": (chain, { a, b }) => {
    const node = anyNode(chain, a);
    return node && { who: certifier(chain, b), call: { type: "nodes.report_violation", nodeId: node.id, code: "nodes.lie" } };
  },
  "nodes.set_maintenance": (chain, { a, b }) => {
    const node = anyNode(chain, a);
    const mode = b % 5 === 0 ? "drain" : b % 5 === 1 ? "cordon" : "none";
    return node && { who: farmerOf(chain, node), call: { type: "nodes.set_maintenance", nodeId: node.id, mode, noticeUntilMs: chain.timeMs + 5_000 } };
  },
  "nodes.set_power": (chain, { a, b, c }) => {
    const off = chain.read.nodes(PAGE).filter(({ power }) => power?.target === "down");
    const empty = chain.read.nodes(PAGE).filter(({ id, power }) => power?.target !== "down" && chain.read.contracts({ nodeId: id, active: true, limit: 1 }).length === 0);
    const target = b % 3 === 0 ? "up" : "down";
    const node = pick(target === "up" ? off : empty, a) ?? (c % 4 === 0 ? anyNode(chain, a) : undefined);
    return node && { who: farmerOf(chain, node), call: { type: "nodes.set_power", nodeId: node.id, target } };
  },
  "nodes.sleep": (chain, { a }) => {
    const node = pick(chain.read.nodes(PAGE).filter(({ power }) => power?.target === "down"), a) ?? anyNode(chain, a);
    return node && { who: holder(chain, node.twinId), call: { type: "nodes.sleep", nodeId: node.id } };
  },
  "contracts.create_node": (chain, dice) => {
    const { a, b, c, units } = dice;
    const node = anyNode(chain, a);
    const solution = c % 2 === 0 ? pick(live(chain), b) : undefined;
    if (node === undefined) return undefined;
    const base = { type: "contracts.create_node" as const, nodeId: node.id, instruction: cid("i"), resources: tiny(dice), publicIps: c % 6 === 1 ? 1 : 0 };
    if (solution === undefined) return { who: someone(chain, b), call: { ...base, solutionId: null, networks: [], depositUnits: units } };
    const part = { solutionId: solution.id, solutionVersion: Math.max(1, solution.version), networks: [share(1 + (node.id % 200))], depositUnits: 0n };
    return { who: holder(chain, solution.agentTwinId), call: { ...base, ...part } };
  },
  "contracts.update_node": (chain, dice) => {
    const row = pick(alive(chain).filter(({ type, state }) => type === "node" && state === "created"), dice.a);
    if (row?.type !== "node") return undefined;
    const solution = row.solutionId === null ? undefined : chain.read.solution(row.solutionId)!;
    const version = solution === undefined ? {} : { solutionVersion: Math.max(1, solution.version) };
    const who = holder(chain, solution?.agentTwinId ?? row.twinId);
    return { who, call: { type: "contracts.update_node", contractId: row.id, instruction: cid("u"), resources: tiny(dice), networks: row.networks, ...version } };
  },
  "contracts.create_name": (chain, { a, b, units }) => {
    const gateway = pick(chain.read.nodes(PAGE).filter(({ publicConfig }) => publicConfig !== undefined), a);
    const solution = b % 2 === 0 ? pick(live(chain), a) : undefined;
    if (gateway === undefined) return undefined;
    const base = { type: "contracts.create_name" as const, name: `n${a % 30}`, gatewayNodeId: gateway.id };
    if (solution === undefined) return { who: someone(chain, b), call: { ...base, solutionId: null, depositUnits: units } };
    return { who: holder(chain, solution.agentTwinId), call: { ...base, solutionId: solution.id, depositUnits: 0n } };
  },
  "contracts.create_rent": (chain, { a, b, units }) => {
    const node = pick(chain.read.nodes(PAGE).filter(({ id }) => chain.read.contracts({ nodeId: id, active: true, limit: 1 }).length === 0), a) ?? anyNode(chain, a);
    return node && { who: someone(chain, b), call: { type: "contracts.create_rent", nodeId: node.id, depositUnits: units } };
  },
  "contracts.cancel": (chain, { a }) => {
    const row = pick(alive(chain), a);
    const solution = row?.solutionId == null ? undefined : chain.read.solution(row.solutionId);
    return row && { who: holder(chain, solution?.agentTwinId ?? row.twinId), call: { type: "contracts.cancel", contractId: row.id } };
  },
  "contracts.deposit": (chain, { a, b, units }) => {
    const row = pick(own(chain), a);
    return row && { who: someone(chain, b), call: { type: "contracts.deposit", contractId: row.id, amountUnits: units } };
  },
  "contracts.report": (chain, { a }) => {
    const row = pick(alive(chain).filter(({ type }) => type === "node"), a);
    if (row?.type !== "node") return undefined;
    const report = { version: row.version, state: a % 4 === 0 ? ("failed" as const) : ("running" as const), networks: [], zmachines: [], routes: [] };
    return { who: holder(chain, chain.read.node(row.nodeId)!.twinId), call: { type: "contracts.report", contractId: row.id, report } };
  },
  "contracts.report_usage": (chain, { a, b }) => {
    const row = pick(alive(chain).filter(({ type }) => type === "node"), a);
    if (row?.type !== "node") return undefined;
    const before = chain.read.usage(row.id)?.publicBytes ?? 0;
    return { who: holder(chain, chain.read.node(row.nodeId)!.twinId), call: { type: "contracts.report_usage", contractId: row.id, publicBytes: before + b * 100_000 } };
  },
  "solutions.create": (chain, { a, b, c, units }) => {
    const [owner, agent, other] = [pick(twins(chain), a)!, pick(twins(chain), a + 1 + (b % 3))!, pick(twins(chain), b)!];
    const signers = [...new Set([owner.id, other.id])].filter((id) => id !== agent.id).map((twinId) => ({ twinId, weight: 1 }));
    const need = Math.max(1, Math.min(signers.length, 1 + (c % 2)));
    const call = { name: `s${a % 30}`, document: cid(`d${a}`), agentTwinId: agent.id, signers, thresholds: { provision: need, amend: need, delete: 1 } };
    return signers.length === 0 ? undefined : { who: nameOf(owner.account), call: { type: "solutions.create", ...call, budgetPerHourUnits: 300_000_000n, depositUnits: units } };
  },
  "solutions.sign": (chain, { a, b }) => {
    const row = pick(live(chain).filter(({ pending }) => pending !== null), a);
    if (row === undefined || row.pending === null) return undefined;
    const missing = row.signers.filter(({ twinId }) => !row.pending!.signedBy.includes(twinId));
    return { who: holder(chain, pick(missing, b)?.twinId ?? row.twinId), call: { type: "solutions.sign", solutionId: row.id, version: row.pending.version, document: row.pending.document } };
  },
  "solutions.amend": (chain, { a, b }) => {
    const row = pick(live(chain), a);
    return row && { who: signerOf(chain, row, b), call: { type: "solutions.amend", solutionId: row.id, version: row.version + 1, document: cid(`v${b}`), budgetPerHourUnits: 300_000_000n } };
  },
  "solutions.cancel": (chain, { a, b }) => {
    const row = pick(live(chain).slice(1), a);
    return row && { who: signerOf(chain, row, b), call: { type: "solutions.cancel", solutionId: row.id } };
  },
  "solutions.deposit": (chain, { a, b, units }) => {
    const row = pick(live(chain), a);
    return row && { who: someone(chain, b), call: { type: "solutions.deposit", solutionId: row.id, amountUnits: units } };
  },
  "solutions.set_state": (chain, { a, b }) => {
    const row = pick(live(chain), a);
    const state = b % 2 === 0 ? ("running" as const) : ("degraded" as const);
    return row && { who: holder(chain, row.agentTwinId), call: { type: "solutions.set_state", solutionId: row.id, version: row.version, state, code: "ok", message: "" } };
  },
  "solutions.add_member": (chain, { a, b }) => {
    const row = pick(live(chain).filter(({ parts }) => parts.length > 0), a);
    const publicKey = b.toString(16).padStart(64, "0") as Hex;
    return row && { who: signerOf(chain, row, b), call: { type: "solutions.add_member", solutionId: row.id, name: `m${b % 50}`, network: "net", publicKey } };
  },
  "solutions.remove_member": (chain, { a, b }) => {
    const row = pick(live(chain).filter(({ members }) => members.length > 0), a);
    return row && { who: signerOf(chain, row, b), call: { type: "solutions.remove_member", solutionId: row.id, name: pick(row.members, b)!.name } };
  },
  "services.create": (chain, { a, b, units }) => {
    const [service, consumer] = [pick(twins(chain), a)!, pick(twins(chain), a + 1 + (b % 3))!];
    const fees = { baseUnitsPerHour: units * 50n, variableUnitsPerHour: units * 10n, metadata: "" };
    return { who: nameOf(b % 2 === 0 ? service.account : consumer.account), call: { type: "services.create", serviceTwinId: service.id, consumerTwinId: consumer.id, ...fees } };
  },
  "services.update": (chain, { a, units }) => {
    const row = pick(services(chain, "created"), a);
    return row && { who: holder(chain, row.serviceTwinId), call: { type: "services.update", serviceId: row.id, baseUnitsPerHour: units, variableUnitsPerHour: units, metadata: "x" } };
  },
  "services.approve": (chain, { a }) => {
    const row = pick(services(chain, "created"), a);
    const missing = row && [row.serviceTwinId, row.consumerTwinId].find((id) => !row.approvedBy.includes(id));
    return row && { who: holder(chain, missing ?? row.serviceTwinId), call: { type: "services.approve", serviceId: row.id, version: row.version } };
  },
  "services.deposit": (chain, { a, b, units }) => {
    const row = pick(services(chain, "created", "agreed"), a);
    return row && { who: someone(chain, b), call: { type: "services.deposit", serviceId: row.id, amountUnits: units } };
  },
  "services.bill": (chain, { a }) => {
    const row = pick(services(chain, "agreed"), a);
    return row && { who: holder(chain, row.serviceTwinId), call: { type: "services.bill", serviceId: row.id, variableUnits: BigInt(a % 3) } };
  },
  "services.cancel": (chain, { a }) => {
    const row = pick(services(chain, "created", "agreed").slice(1), a);
    return row && { who: holder(chain, a % 2 === 0 ? row.serviceTwinId : row.consumerTwinId), call: { type: "services.cancel", serviceId: row.id } };
  },
  "governance.propose": (chain, dice) => ({ who: someone(chain, dice.a), call: { type: "governance.propose", change: pick(CHANGES, dice.b)!(dice, chain), document: null } }),
  "governance.vote": (chain, dice) => {
    const [row, by] = [pick(proposals(chain, "voting"), dice.a), voter(chain, dice)];
    return row && by && { who: by.who, call: { type: "governance.vote", proposalId: row.id, farmId: by.farmId, approve: dice.c % 5 > 0 } };
  },
  "governance.veto": (chain, dice) => {
    const [row, by] = [pick(proposals(chain, "passed"), dice.a), voter(chain, dice)];
    return row && by && { who: by.who, call: { type: "governance.veto", proposalId: row.id, farmId: by.farmId } };
  },
  "pricing.feed": (chain, { a, b }) => ({ who: nameOf(pick(chain.read.charter().feeders, a) ?? accountOf("feed1")), call: { type: "pricing.feed", tftPriceMicroUsd: 40_000 + b * 100 } }),
  "reputation.review": (chain, { a }) => {
    const row = pick(chain.read.contracts(PAGE).filter(({ type, billedUnits }) => type !== "name" && billedUnits > 0n), a);
    return row && { who: holder(chain, row.twinId), call: { type: "reputation.review", contractId: row.id, score: a % 101 } };
  },
  "reputation.dispute": (chain, { a }) => {
    const row = pick(chain.read.contracts(PAGE).filter(({ type, billedUnits }) => type !== "name" && billedUnits > 0n), a);
    return row && { who: holder(chain, row.twinId), call: { type: "reputation.dispute", contractId: row.id, document: null } };
  },
  "reputation.resolve": (chain, { a, b, c }) => {
    const row = pick(chain.read.disputes(PAGE).filter(({ state }) => state === "open"), a);
    return row && { who: certifier(chain, b), call: { type: "reputation.resolve", disputeId: row.id, upheld: c % 2 === 0 } };
  },
  "notary.anchor": (chain, { a, b }) => {
    const row = pick(live(chain), a);
    return { who: row === undefined ? someone(chain, a) : holder(chain, row.twinId), call: { type: "notary.anchor", document: cid(`a${b}`), contractId: null, solutionId: row?.id ?? null } };
  },
};

export const CALL_TYPES = Object.keys(MAKERS) as readonly CallType[];
