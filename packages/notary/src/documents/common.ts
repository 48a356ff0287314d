/** Parts that the solution document (what the user asked for) and the instruction (what one node does) share. */
import { type Infer, s } from "@tfgrid/primitives";
import { chain } from "@tfgrid/tfchain";
import { DOCUMENT_LIMITS as L } from "./limits.ts";

export const label = chain.label;
const argument = s.text({ maxLength: L.argumentLength });
export const argv = s.list(argument, { max: L.arguments });
export const durationMs = s.uint({ max: 7 * 24 * 3_600_000 });
/** An absolute, normal path inside a zmachine: no `.` or `..` parts, so that it cannot leave the root. */
export const absolutePath = s.text({ maxLength: 1024, pattern: /^\/(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\0]*$/ });
export const cidr = s.text({ maxLength: 18, pattern: /^\d{1,3}\.\d{1,3}\.0\.0\/16$/ });

/** What to run, pinned: the reference is for people and for the pull, the digest is what counts. */
export const image = s.struct({
  reference: s.text({ minLength: 1, maxLength: 512 }),
  digest: s.text({ maxLength: 71, pattern: /^sha256:[0-9a-f]{64}$/ }),
});

export const environment = s.record(s.text({ maxLength: L.environmentValueLength }), {
  max: L.environmentVariables,
  key: s.text({ minLength: 1, maxLength: 256, pattern: /^[^=\0]+$/ }),
});

export const zmachineResources = s.struct({
  cpuMilli: s.uint({ min: 10, max: 1_024_000 }),
  memoryBytes: s.uint({ min: 6 * 1024 * 1024 }),
  pids: s.uint({ min: 1, max: 100_000 }),
  /** Size of the writable layer over the image. */
  rootfsBytes: s.uint({ min: 16 * 1024 * 1024 }),
});

export const restartPolicy = s.struct({
  condition: s.oneOf(["none", "on-failure", "any"]),
  delayMs: durationMs,
  /** 0 = without limit. */
  maxAttempts: s.uint({ max: 1_000_000 }),
  windowMs: durationMs,
});

export const healthcheck = s.struct({
  test: s.union({
    /** Run inside the zmachine, exit code 0 = healthy. */
    exec: s.struct({ argv }),
    http: s.struct({ port: s.uint({ min: 1, max: 65_535 }), path: s.text({ minLength: 1, maxLength: 2048 }) }),
    tcp: s.struct({ port: s.uint({ min: 1, max: 65_535 }) }),
  }),
  intervalMs: durationMs,
  timeoutMs: durationMs,
  retries: s.uint({ min: 1, max: 1000 }),
  startPeriodMs: durationMs,
  startIntervalMs: durationMs,
});

export const mount = s.struct({
  type: s.oneOf(["volume", "tmpfs"]),
  /** Volume name; empty for tmpfs. */
  source: s.text({ maxLength: 63 }),
  target: absolutePath,
  readOnly: s.bool,
  /** tmpfs only: its size. 0 otherwise. */
  sizeBytes: s.uint(),
});

export const DEPENDENCY_CONDITIONS = ["service_started", "service_healthy", "service_completed_successfully"] as const;
export const dependency = s.struct({ service: label, condition: s.oneOf(DEPENDENCY_CONDITIONS) });

export const networkAttachment = s.struct({ name: label, aliases: s.list(label, { max: 8 }) });

export const ingress = s.struct({
  service: label,
  port: s.uint({ min: 1, max: 65_535 }),
  /** NAME.<gateway domain>; a name contract reserves it. */
  name: label,
  network: label,
  /** `redirect`: http answers with a redirect to https; `both`: served on both; `passthrough`: TLS goes through to the zmachine. */
  tls: s.oneOf(["both", "redirect", "passthrough"]),
});
export type Ingress = Infer<typeof ingress>;

/** How one zmachine runs; shared by a service (template) and a zmachine (instance). */
export const processSpec = {
  image,
  /** Compose `entrypoint`: replaces the image's; empty list = the image's own. */
  entrypoint: argv,
  /** Compose `command`: replaces the image's CMD; empty list = the image's own. */
  command: argv,
  environment,
  /** `uid[:gid]` or names from the image's /etc/passwd; empty = the image's own. */
  user: s.text({ maxLength: 64 }),
  workingDir: s.text({ maxLength: 1024 }),
  mounts: s.list(mount, { max: L.volumes }),
  resources: zmachineResources,
  restart: restartPolicy,
  healthcheck: s.nullable(healthcheck),
  stopSignal: s.text({ maxLength: 16, pattern: /^(SIG[A-Z0-9+-]+)?$/ }),
  stopGraceMs: durationMs,
  readOnlyRootfs: s.bool,
  isolation: s.oneOf(chain.ISOLATION_CLASSES),
} as const;
