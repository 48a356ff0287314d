/**
 * Everything a fresh Debian or Ubuntu machine lacks, step by step: npm packages from the lockfile, the project's own
 * Node 24, Debian packages. Plain JavaScript that any Node >= 18 runs, because nothing else is there yet.
 *
 * Each step is skipped when its result is already there, so calling it again costs milliseconds.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import Module from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Command that must be there -> Debian package that brings it. */
const RUN_PACKAGES = {
  conmon: "conmon",
  conntrack: "conntrack",
  crun: "crun",
  curl: "curl",
  dnsmasq: "dnsmasq-base",
  haproxy: "haproxy",
  ip: "iproute2",
  "mkfs.ext4": "e2fsprogs",
  nft: "nftables",
  nsenter: "util-linux",
  openssl: "openssl",
  perl: "perl-base",
  runc: "runc",
  skopeo: "skopeo",
  umoci: "umoci",
  wg: "wireguard-tools",
  "docker-registry": "docker-registry",
};
const TEST_PACKAGES = { busybox: "busybox-static", chromium: "chromium", ping: "iputils-ping", socat: "socat", tcpdump: "tcpdump" };
/** Builds CometBFT where that is neither on the PATH nor built yet: for the tests of many validators. */
const GO_PACKAGE = { go: "golang-go" };
/** Only where the kernel has no WireGuard of its own. */
const USERSPACE_WIREGUARD = { "wireguard-go": "wireguard-go" };

const SYSTEM_PATHS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

function hasCommand(name) {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...SYSTEM_PATHS];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}

function fail(message, cure) {
  process.stderr.write(`\n${message}\n${cure}\n`);
  process.exit(1);
}

/** Runs a long command quietly with a line that shows it is alive; its output is shown only when it fails. */
async function step(title, command, args, options = {}) {
  const started = Date.now();
  const tty = process.stderr.isTTY === true;
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
  let output = "";
  const keep = (chunk) => {
    output = (output + chunk).slice(-3_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(0)} s`;
  if (!tty) process.stderr.write(`... ${title}\n`);
  const timer = tty ? setInterval(() => process.stderr.write(`\r... ${title} (${seconds()})`), 250) : undefined;
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  }).finally(() => clearInterval(timer));
  if (tty) process.stderr.write("\r\u001b[2K");
  if (code !== 0) fail(`${output}\n${title}: \`${command} ${args.join(" ")}\` ended with ${code}.`, "Correct the cause above and start again: nothing half-done is left behind.");
  process.stderr.write(`ok  ${title} (${seconds()})\n`);
}

const digest = (text) => createHash("sha256").update(text).digest("hex");

function stampFile(name) {
  return join(root, "node_modules", `.tfgrid-${name}`);
}

function isStamped(name, value) {
  return existsSync(stampFile(name)) && readFileSync(stampFile(name), "utf8") === value;
}

const npmCi = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];

async function npmPackages() {
  const lockfile = readFileSync(join(root, "package-lock.json"), "utf8");
  if (isStamped("lockfile", digest(lockfile))) return;
  if (!hasCommand("npm")) fail("npm is not on the PATH.", "Install Node.js with npm (Debian: apt-get install nodejs npm) and start again.");
  await withScratchFolder(async (folder) => {
    const env = isNewEnough ? process.env : await newNodeForNpm(JSON.parse(lockfile), folder);
    await step("install npm packages from the lockfile", "npm", npmCi, { env });
  });
  writeFileSync(stampFile("lockfile"), digest(lockfile));
}

/** The folder is gone afterwards, also when a step fails, which ends this process, and after Ctrl-C. */
async function withScratchFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), "tfgrid-node-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const stop = () => process.exit(130);
  process.once("exit", remove).once("SIGINT", stop).once("SIGTERM", stop);
  try {
    await use(folder);
  } finally {
    process.off("exit", remove).off("SIGINT", stop).off("SIGTERM", stop);
    remove();
  }
}

/**
 * npm leaves out optional packages whose `engines` exclude the Node that it runs on, without a word: on Debian's Node 18 the
 * page's bundler would lack its native half. So the project's Node is fetched alone first, checked against the lockfile, and
 * npm runs on it.
 */
async function newNodeForNpm(lockfile, folder) {
  const place = `node_modules/${nodePackage}`;
  const pinned = lockfile.packages[place];
  if (pinned === undefined) return noNode();
  const name = "first-node";
  const own = { name, dependencies: { [nodePackage]: pinned.version } };
  const alone = { name, lockfileVersion: lockfile.lockfileVersion, requires: true, packages: { "": own, [place]: { ...pinned, optional: undefined } } };
  writeFileSync(join(folder, "package.json"), JSON.stringify(own));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(alone));
  await step(`fetch Node ${pinned.version}`, "npm", npmCi, { cwd: folder });
  const { PATH = "", NODE_PATH } = process.env;
  // Debian's npm finds its own parts in folders that only Debian's Node looks into unasked.
  const npmParts = [NODE_PATH, ...Module.globalPaths].filter((path) => path !== undefined && path !== "").join(delimiter);
  return { ...process.env, PATH: `${join(folder, place, "bin")}${delimiter}${PATH}`, NODE_PATH: npmParts };
}

const nodePackage = `node-linux-${process.arch}`;
const isNewEnough = Number(process.versions.node.split(".")[0]) >= 24;

/** The Node that runs the project: the pinned one from the lockfile, or this one when it is new enough. */
export function projectNode() {
  const pinned = join(root, "node_modules", nodePackage, "bin", "node");
  if (existsSync(pinned)) return pinned;
  return isNewEnough ? process.execPath : noNode();
}

function noNode() {
  return fail(`The project needs Node 24, and no pinned build exists for ${process.platform}-${process.arch}.`, "Install Node 24 or newer and start again with it.");
}

function kernelHasWireguard() {
  if (existsSync("/sys/module/wireguard")) return true;
  const probe = spawnSync("modinfo", ["wireguard"], { stdio: "ignore" });
  return probe.status === 0;
}

async function debianPackages(wanted) {
  const missing = Object.entries(wanted).filter(([command]) => !hasCommand(command));
  if (missing.length === 0) return;
  const names = [...new Set(missing.map(([, name]) => name))].sort();
  const install = `apt-get install -y --no-install-recommends ${names.join(" ")}`;
  const lacking = `Missing programs: ${missing.map(([command]) => command).join(", ")}.`;
  if (!hasCommand("apt-get")) fail(lacking, `This machine has no apt-get. Install what Debian calls: ${names.join(" ")}`);
  if (process.getuid?.() !== 0) fail(lacking, `Run as root: apt-get update && ${install}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await step("refresh the package lists", "apt-get", ["update", "-qq"], { env });
  // A package's own service (HAProxy, the registry) must not start: the grid runs its own, elsewhere.
  const policy = "/usr/sbin/policy-rc.d";
  const own = !existsSync(policy);
  if (own) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await step(`install ${names.join(", ")}`, "apt-get", ["install", "-y", "--no-install-recommends", ...names], { env });
  } finally {
    if (own) spawnSync("rm", ["-f", policy]);
  }
}

function newestChange(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) newest = Math.max(newest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return newest;
}

/** The web page is the only thing that is built. */
async function dashboardPage() {
  const folder = join(root, "packages", "dashboard");
  if (!existsSync(join(folder, "index.html"))) return;
  const built = join(folder, "dist", "index.html");
  if (existsSync(built) && statSync(built).mtimeMs > newestChange(join(folder, "src"))) return;
  mkdirSync(join(folder, "dist"), { recursive: true });
  await step("build the dashboard page", projectNode(), [join(root, "node_modules", "vite", "bin", "vite.js"), "build", "--logLevel=warn"], { cwd: folder });
}

/** Where Node keeps what it compiled, for every program of the project. */
export const compileCache = join(root, "node_modules", ".cache", "tfgrid-compile");

/** Fills the compile cache, so that the many programs of a grid start quickly and lean from the first time on. */
async function startUpCache() {
  const sources = String(Math.max(...readdirSync(join(root, "packages")).map((room) => newestChange(join(root, "packages", room, "src")))));
  if (isStamped("compiled", sources)) return;
  await step("prepare a quick start", projectNode(), [join(root, "packages", "cli", "src", "warm.ts")], { env: { ...process.env, NODE_COMPILE_CACHE: compileCache, NODE_NO_WARNINGS: "1" } });
  writeFileSync(stampFile("compiled"), sources);
}

/** The consensus program of chains with many validators. Without it their tests are left out, loudly; everything else runs. */
async function cometBft() {
  const program = join(root, "packages", "tfchain", "src", "engines", "cometbft", "provide.ts");
  const provide = (...args) => spawnSync(projectNode(), [program, ...args], { cwd: root, stdio: ["ignore", "ignore", args.length > 0 ? "ignore" : "inherit"] }).status === 0;
  if (provide("--only-look")) return;
  if (!hasCommand("go") && !existsSync("/usr/local/go/bin/go")) await debianPackages(GO_PACKAGE);
  if (provide()) return;
  process.stderr.write("\nCometBFT is not there: the tests of chains with many validators are left out.\n\n");
}

/**
 * @param {{ system?: boolean, tests?: boolean }} needs `system`: what the local grid needs of the machine; `tests`: what the tests need beside it.
 */
export async function setUp(needs = {}) {
  if (process.platform !== "linux") fail("The grid runs on Linux.", "Use a Debian 12 or Ubuntu machine, real or virtual.");
  await npmPackages();
  projectNode();
  if (needs.system === true) {
    const wanted = { ...RUN_PACKAGES, ...(kernelHasWireguard() ? {} : USERSPACE_WIREGUARD), ...(needs.tests === true ? TEST_PACKAGES : {}) };
    await debianPackages(wanted);
    if (needs.tests === true) await cometBft();
    await dashboardPage();
    await startUpCache();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp({ system: process.argv.includes("--system"), tests: process.argv.includes("--tests") });
