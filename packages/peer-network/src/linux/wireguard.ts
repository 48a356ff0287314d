/**
 * WireGuard interfaces whose UDP socket lives in the mesh namespace while the interface lives in the znet's. The kernel's
 * own is used where present; otherwise a wireguard-go process, detached: it goes on when the agent dies, and is found
 * again by its interface, which lives exactly as long as the process.
 */
import { spawn } from "node:child_process";
import { access, rm } from "node:fs/promises";
import type { Hex, Logger } from "@tfgrid/primitives";
import { fail } from "../errors.ts";
import { NETWORK_LIMITS as L } from "../limits.ts";
import type { ZnetPeer } from "../ports.ts";
import { checkedIpv4 } from "./names.ts";
import { commandLineOf, endProcess, pidsIn } from "./netns.ts";
import { inNetns, ipBatch, run, runIn, tryRun } from "./run.ts";

export interface WireguardOptions {
  readonly mesh: string;
  /** Path of the user-space program; undefined: `wireguard-go` from PATH. */
  readonly wireguardGo?: string;
  readonly logger: Logger;
}

export const controlSocket = (name: string): string => `/var/run/wireguard/${name}.sock`;
export const base64OfHex = (hex: string): string => Buffer.from(hex, "hex").toString("base64");
const hexOfBase64 = (text: string): Hex => Buffer.from(text, "base64").toString("hex") as Hex;

/** Makes the interface and moves it into the znet. Called only when the znet does not have it. */
export async function createWireguard(options: WireguardOptions, name: string, znet: string): Promise<void> {
  const inMesh = await tryRun("ip", ["-n", options.mesh, "link", "show", "dev", name]);
  if (inMesh.exitCode !== 0 && !(await createInKernel(options.mesh, name))) await startUserSpace(options, name);
  await ipBatch(options.mesh, [`link set ${name} netns ${znet}`]);
}

async function createInKernel(mesh: string, name: string): Promise<boolean> {
  const result = await tryRun("ip", ["-n", mesh, "link", "add", name, "type", "wireguard"]);
  if (result.exitCode === 0) return true;
  if (/unknown device type|not supported/i.test(result.stderr)) return false;
  throw fail("network.command_failed", { message: `Making a WireGuard interface failed: ${result.stderr.trim()}` });
}

async function startUserSpace({ mesh, wireguardGo = "wireguard-go", logger }: WireguardOptions, name: string): Promise<void> {
  await endUserSpace(mesh, name);
  const child = spawn(...inNetns(mesh, wireguardGo, ["-f", name]), {
    detached: true,
    stdio: "ignore",
    // It would refuse to start where it believes that the kernel could do it.
    env: { PATH: process.env["PATH"] ?? "", LOG_LEVEL: "error", WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: "1", WG_PROCESS_FOREGROUND: "1" },
  });
  let ended: string | undefined;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended ??= `exit ${code ?? signal}`));
  child.unref();
  const deadline = performance.now() + L.wireguardStartMs;
  while (!(await exists(controlSocket(name)))) {
    if (ended !== undefined) throw fail("network.wireguard_not_started", { message: `wireguard-go ended: ${ended}`, details: { name } });
    if (performance.now() > deadline) {
      if (child.pid !== undefined) endProcess(child.pid, "SIGKILL");
      throw fail("network.wireguard_not_started", { message: "wireguard-go did not answer in time.", details: { name } });
    }
    await new Promise((resolve) => setTimeout(resolve, L.wireguardPollMs));
  }
  logger.debug("wireguard-go started", { name, pid: child.pid });
}

/** Ends the process of this interface, also one that a crash has left behind, and its control socket. */
export async function endUserSpace(mesh: string, name: string): Promise<void> {
  for (const pid of await pidsIn(mesh)) {
    const line = await commandLineOf(pid);
    if (line.at(-1) === name && line.at(-2) === "-f") endProcess(pid, "SIGKILL");
  }
  await rm(controlSocket(name), { force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

export interface WireguardDump {
  readonly privateKey: Hex | undefined;
  readonly listenPort: number;
  readonly peers: ReadonlyMap<
    Hex,
    {
      /** Where it was heard last, or what was set since. */
      readonly endpoint: string | undefined;
      readonly allowedIps: readonly string[];
      readonly keepaliveSec: number;
      readonly lastHandshakeMs: number;
      readonly rxBytes: number;
      readonly txBytes: number;
    }
  >;
}

export async function dumpWireguard(znet: string, name: string): Promise<WireguardDump> {
  const [device = "", ...lines] = (await runIn(znet, "wg", ["show", name, "dump"])).trimEnd().split("\n");
  const [privateKey = "(none)", , listenPort = "0"] = device.split("\t");
  const peers = lines.map((line) => {
    const [publicKey = "", , endpoint = "(none)", allowedIps = "", handshakeSec = "0", rx = "0", tx = "0", keepalive = "off"] = line.split("\t");
    const peer = {
      endpoint: endpoint === "(none)" ? undefined : endpoint,
      allowedIps: allowedIps === "(none)" ? [] : allowedIps.split(","),
      keepaliveSec: keepalive === "off" ? 0 : Number(keepalive),
      lastHandshakeMs: Number(handshakeSec) * 1000,
      rxBytes: Number(rx),
      txBytes: Number(tx),
    };
    return [hexOfBase64(publicKey), peer] as const;
  });
  return { privateKey: privateKey === "(none)" ? undefined : hexOfBase64(privateKey), listenPort: Number(listenPort), peers: new Map(peers) };
}

/** The private key goes by standard input: a command line can be read by every process of the machine. */
export async function configureWireguard(znet: string, name: string, wanted: { readonly privateKey: Hex; readonly listenPort: number }): Promise<void> {
  const now = await dumpWireguard(znet, name);
  if (now.privateKey === clamped(wanted.privateKey) && now.listenPort === wanted.listenPort) return;
  const args = ["set", name, "listen-port", String(wanted.listenPort), "private-key", "/dev/stdin"];
  await wgWithInput(znet, args, `${base64OfHex(wanted.privateKey)}\n`);
}

/** Our end of standard input is a socket, which cannot be opened by path; behind `cat` it is a pipe, which can. */
async function wgWithInput(znet: string, args: readonly string[], stdin: string): Promise<void> {
  await run(...inNetns(znet, "sh", ["-c", 'cat | wg "$@"', "wg", ...args]), { stdin });
}

/** WireGuard shows a key as X25519 uses it (RFC 7748, section 5). */
function clamped(key: Hex): Hex {
  const bytes = Buffer.from(key, "hex");
  bytes[0] = (bytes[0] as number) & 248;
  bytes[31] = ((bytes[31] as number) & 127) | 64;
  return bytes.toString("hex") as Hex;
}

export interface AppliedPeers {
  readonly endpoints: Map<Hex, string>;
  /** Monotonic: when a peer that has never answered was given an address, upon which WireGuard greets it. */
  readonly greetedAtMs: Map<Hex, number>;
  /** The peers of the last call, as text. */
  wanted: string;
  /** Monotonic: when they were last compared with the interface's. */
  checkedAtMs: number;
}

export interface SyncOptions {
  readonly netns: string;
  readonly name: string;
  readonly peers: readonly ZnetPeer[];
  readonly applied: AppliedPeers;
  readonly insist: boolean;
}

/**
 * Changes only what differs. `syncconf` is not used: it sets port and key again, upon which wireguard-go opens its
 * socket anew, and it sets every endpoint, which would undo WireGuard's own following of a peer that has moved.
 */
export async function syncPeers(options: SyncOptions): Promise<{ readonly greeted: boolean }> {
  const { peers, applied, insist } = options;
  const text = JSON.stringify(peers);
  const nowMs = performance.now();
  if (!insist && text === applied.wanted && nowMs - applied.checkedAtMs < L.driftCheckMs) return { greeted: false };
  applied.wanted = "";
  const greeted = await changePeers(options, nowMs);
  Object.assign(applied, { wanted: text, checkedAtMs: nowMs });
  return { greeted };
}

/** @returns whether a peer was given its first address. */
async function changePeers({ netns: znet, name, peers, applied, insist }: SyncOptions, nowMs: number): Promise<boolean> {
  const { endpoints, greetedAtMs } = applied;
  const now = await dumpWireguard(znet, name);
  const wanted = new Map(peers.map((peer) => [peer.publicKey, peer]));
  const unanswered = insist ? unansweredPeers({ peers, now: now.peers, greetedAtMs, nowMs }) : new Set<Hex>();
  const left = new Map([...now.peers].filter(([key]) => wanted.has(key) && !unanswered.has(key)));
  const gone = [...now.peers.keys()].filter((key) => !left.has(key));
  if (gone.length > 0) await runIn(znet, "wg", ["set", name, ...gone.flatMap((key) => ["peer", base64OfHex(key), "remove"])]);
  for (const key of endpoints.keys()) if (!left.has(key)) endpoints.delete(key);
  for (const key of greetedAtMs.keys()) if (!wanted.has(key)) greetedAtMs.delete(key);
  const sections = peers.flatMap((peer) => peerSection(peer, left.get(peer.publicKey), endpointIn({ now: left, applied: endpoints, insist })));
  if (sections.length > 0) {
    await wgWithInput(znet, ["addconf", name, "/dev/stdin"], `${sections.join("\n")}\n`);
    for (const peer of peers) if (peer.endpoint !== undefined) endpoints.set(peer.publicKey, endpointText(peer.endpoint));
  }
  const unheard = peers.filter(({ publicKey, endpoint }) => endpoint !== undefined && (left.get(publicKey)?.lastHandshakeMs ?? 0) === 0);
  const first = unheard.filter(({ publicKey }) => !greetedAtMs.has(publicKey));
  for (const { publicKey } of unheard) if (!greetedAtMs.has(publicKey) || unanswered.has(publicKey)) greetedAtMs.set(publicKey, nowMs);
  return first.length > 0;
}

/** Peers that were greeted a while ago and have never answered. Nothing is lost by making them anew. */
export function unansweredPeers(options: {
  readonly peers: readonly ZnetPeer[];
  readonly now: ReadonlyMap<Hex, Pick<DumpedPeer, "lastHandshakeMs">>;
  readonly greetedAtMs: ReadonlyMap<Hex, number>;
  readonly nowMs: number;
}): ReadonlySet<Hex> {
  const { peers, now, greetedAtMs, nowMs } = options;
  const silent = ({ publicKey, endpoint }: ZnetPeer): boolean => {
    const atMs = greetedAtMs.get(publicKey);
    return endpoint !== undefined && now.get(publicKey)?.lastHandshakeMs === 0 && atMs !== undefined && nowMs - atMs >= L.greetAgainMs;
  };
  return new Set(peers.filter(silent).map(({ publicKey }) => publicKey));
}

/** The endpoint that counts as set. */
const endpointIn =
  (options: { readonly now: WireguardDump["peers"]; readonly applied: ReadonlyMap<Hex, string>; readonly insist: boolean }) =>
  (key: Hex): string | undefined =>
    options.insist ? options.now.get(key)?.endpoint : options.applied.get(key);

type DumpedPeer = WireguardDump["peers"] extends ReadonlyMap<Hex, infer P> ? P : never;

function peerSection(peer: ZnetPeer, current: DumpedPeer | undefined, endpointOf: (key: Hex) => string | undefined): string[] {
  const endpoint = peer.endpoint === undefined ? undefined : endpointText(peer.endpoint);
  const endpointNew = endpoint !== undefined && endpointOf(peer.publicKey) !== endpoint;
  const same =
    current !== undefined &&
    current.keepaliveSec === peer.keepaliveSec &&
    current.allowedIps.toSorted().join() === peer.allowedIps.toSorted().join();
  if (same && !endpointNew) return [];
  return [
    "[Peer]",
    `PublicKey = ${base64OfHex(peer.publicKey)}`,
    `AllowedIPs = ${peer.allowedIps.join(", ")}`,
    `PersistentKeepalive = ${peer.keepaliveSec}`,
    ...(endpointNew ? [`Endpoint = ${endpoint}`] : []),
  ];
}

const endpointText = (endpoint: { readonly address: string; readonly port: number }): string => `${checkedIpv4(endpoint.address)}:${endpoint.port}`;
