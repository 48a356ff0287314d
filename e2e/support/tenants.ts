/** Tenants of a test: people with a wallet and a twin of their own, and probes that run as their zmachines. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type KeyPair, keyPairFromSeed, seedOfMnemonic } from "../../packages/primitives/src/index.ts";
import { type Grid, connectGrid } from "../../packages/sdk/src/index.ts";
import { imageBuilder } from "../../packages/zero-os/src/index.ts";
import type { CliResult, Json, TestGrid } from "./grid.ts";

export interface Tenant {
  readonly name: string;
  readonly twinId: number;
  readonly account: string;
  readonly keyPair: KeyPair;
  readonly words: string;
  /** Of the grid's namespaces. */
  readonly prefix: string;
  cli(...args: readonly string[]): Promise<CliResult>;
  json(...args: readonly string[]): Promise<Json>;
  /** The error that `--json` promises: code, message and what to do next, with an exit code that is not 0. */
  refusal(...args: readonly string[]): Promise<{ readonly code: string; readonly message: string; readonly cure: string; readonly details: Json }>;
  /** Writes a Compose file and returns its path. */
  file(compose: string): string;
  /** Typed clients that act as this tenant. */
  connect(): Grid;
}

const folders: string[] = [];

export function removeTenantFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** @throws Error naming whatever the grid has left on this machine */
export async function endGrid(grid: TestGrid): Promise<void> {
  await grid.down();
  const left = grid.leftovers();
  if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`);
}

/** By the commands that a person would use: wallet new, a transfer, twin create. */
export async function newTenant(grid: TestGrid, name: string, tft = "1000"): Promise<Tenant> {
  const folder = mkdtempSync("/var/tmp/tfgrid-tenant-");
  folders.push(folder);
  const words = join(folder, "words");
  const { account } = await grid.json("wallet", "new", "--output", words);
  await grid.json("wallet", "transfer", account, tft);
  const { twinId } = await grid.json("--mnemonic-file", words, "twin", "create");
  const keyPair = keyPairFromSeed(seedOfMnemonic(readFileSync(words, "utf8")));
  return { name, twinId, account, keyPair, words, prefix: grid.prefix, ...commandsOf(grid, words), file: (compose) => fileIn(folder, compose), connect: () => connect(grid, keyPair) };
}

function commandsOf(grid: TestGrid, words: string): Pick<Tenant, "cli" | "json" | "refusal"> {
  const cli = (...args: readonly string[]): Promise<CliResult> => grid.cli("--mnemonic-file", words, ...args);
  return {
    cli,
    json: (...args) => grid.json("--mnemonic-file", words, ...args),
    refusal: async (...args) => refusalOf(args, await cli(...args)),
  };
}

export function refusalOf(args: readonly string[], result: CliResult): Awaited<ReturnType<Tenant["refusal"]>> {
  if (result.code === 0) throw new Error(`tfgrid ${args.join(" ")} was accepted: ${result.stdout}`);
  const { error } = JSON.parse(result.stdout) as Json;
  if (typeof error.code !== "string" || typeof error.message !== "string" || typeof error.cure !== "string" || error.cure.length < 10) throw new Error(`no complete error: ${result.stdout}`);
  return error;
}

function fileIn(folder: string, compose: string): string {
  const path = join(mkdtempSync(join(folder, "f-")), "compose.yaml");
  writeFileSync(path, compose);
  return path;
}

export function connect(grid: TestGrid, keyPair?: KeyPair): Grid {
  const endpoints = JSON.parse(readFileSync(join(grid.stateDir, "endpoints.json"), "utf8")) as Json;
  const { urls, trust } = endpoints.chain;
  return connectGrid({ chainUrls: urls, trust, notaryUrls: endpoints.notary, relays: endpoints.relays, ...(keyPair === undefined ? {} : { keyPair }) });
}

const COMMANDS = "sh cat echo sleep nc httpd nslookup ping dd df tail head mount unshare mknod insmod hostname ps id ls kill seq grep wc rm ip dmesg reboot true".split(" ");
/** Answers on 8080 with its own service name, and runs what is sent to port 7000 as a process of its own. */
const MAIN = 'echo "$NAME" > /tmp/index.html; httpd -p 8080 -h /tmp; exec nc -ll -p 7000 -e /bin/sh';
export const PROBE_IMAGE = "registry.grid.localhost/probe:1";

export async function pushProbeImage(grid: TestGrid): Promise<void> {
  const folder = mkdtempSync("/var/tmp/tfgrid-probe-");
  folders.push(folder);
  // socat, because the static busybox cannot ask a name server.
  const files = [...imageBuilder.busyboxFiles(COMMANDS), ...(await imageBuilder.hostProgram("/usr/bin/socat")), { path: "/etc/passwd", content: "root:x:0:0:root:/:/bin/sh\n" }, { path: "/mnt", mode: 0o755 }];
  await imageBuilder.writeOciImage({ dir: folder, tag: "1", layers: [files], config: { Entrypoint: ["/bin/sh", "-c"], Cmd: [MAIN], StopSignal: "SIGKILL" } });
  await grid.json("image", "push", folder, "probe:1");
}

export interface Probe {
  readonly contractId: number;
  readonly nodeId: number;
  /** Network namespace on this machine. */
  readonly netns: string;
  readonly addresses: readonly { readonly network: string; readonly ip: string }[];
  /** Runs a script as a process of the zmachine, under its limits; gives everything that it printed. */
  sh(script: string, timeoutMs?: number): Promise<string>;
  /** Process ids on this machine of what runs inside. */
  pids(): readonly number[];
}

export async function probeOf(tenant: Tenant, solution: string, zmachine: string): Promise<Probe> {
  const { contracts } = await tenant.json("solution", "status", solution);
  const contract = contracts.find((entry: Json) => entry.report?.zmachines.some((each: Json) => each.name === zmachine));
  const reported = contract.report.zmachines.find((each: Json) => each.name === zmachine);
  const netns = readdirSync("/run/netns").find((name) => name.startsWith(`${tenant.prefix}-`) && name.endsWith(`-m-c${contract.id}-${zmachine}`));
  if (netns === undefined) throw new Error(`no namespace of ${zmachine}`);
  return {
    contractId: contract.id,
    nodeId: contract.nodeId,
    netns,
    addresses: reported.addresses,
    sh: (script, timeoutMs = 20_000) => inNetns(netns, ["socat", "-t", "60", "-", "TCP:127.0.0.1:7000"], { input: `exec 2>&1\n${script}\nexit\n`, timeoutMs }),
    pids: () => pidsOf(netns),
  };
}

export function inNetns(netns: string, command: readonly string[], options: { readonly input?: string; readonly timeoutMs?: number } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile("nsenter", [`--net=/run/netns/${netns}`, ...command], { timeout: options.timeoutMs ?? 20_000, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command.join(" ")} in ${netns}: ${error.message}\n${stdout}\n${stderr}`));
    });
    child.stdin?.on("error", () => undefined); // the program ended before it read all: its exit code tells
    child.stdin?.end(options.input ?? "");
  });
}

function pidsOf(netns: string): readonly number[] {
  return execFileSync("ip", ["netns", "pids", netns], { encoding: "utf8" }).split("\n").filter((line) => line !== "").map(Number);
}
