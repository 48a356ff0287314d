/** What was wanted last, with the places in HAProxy: so that a restarted agent goes on where the former one was. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Infer, s } from "@tfgrid/primitives";
import type { Section } from "./core/desired.ts";
import { writeWhenChanged } from "./files.ts";
import { GATEWAY_LIMITS as L } from "./limits.ts";
import type { GatewayRoute } from "./types.ts";

const text = (maxLength: number) => s.text({ maxLength });
const backend = s.struct({ id: text(256), address: text(45), port: s.uint({ min: 1, max: 65_535 }), namespace: s.nullable(text(255)) });
const state = s.struct({
  version: s.oneOf(["1"]),
  sections: s.list(
    s.struct({
      name: text(64),
      host: text(253),
      tls: s.oneOf(["both", "redirect", "passthrough"]),
      checkPath: s.nullable(text(1024)),
      backends: s.list(backend, { max: L.maxBackendsPerRoute }),
      slots: s.list(s.struct({ name: text(64), namespace: s.nullable(text(255)), backend: s.nullable(backend) }), { max: 4_096 }),
    }),
    { max: L.maxRoutes },
  ),
});
type Saved = Infer<typeof state>;
type SavedBackend = Infer<typeof backend>;

const FILE = "routes.json";
const given = ({ namespace, ...rest }: SavedBackend) => ({ ...rest, namespace: namespace ?? undefined });
const kept = ({ namespace, ...rest }: ReturnType<typeof given>): SavedBackend => ({ ...rest, namespace: namespace ?? null });

export async function saveSections(dataDir: string, sections: readonly Section[]): Promise<void> {
  const value: Saved = {
    version: "1",
    sections: sections.map(({ name, route, slots }) => ({
      name,
      host: route.host,
      tls: route.tls,
      checkPath: route.checks?.type === "http" ? route.checks.path : null,
      backends: route.backends.map((one) => kept({ ...one, namespace: one.namespace })),
      slots: slots.map((slot) => ({
        name: slot.name,
        namespace: slot.namespace ?? null,
        backend: slot.backend === undefined ? null : kept({ ...slot.backend, namespace: slot.backend.namespace }),
      })),
    })),
  };
  await writeWhenChanged(join(dataDir, FILE), JSON.stringify(state.toJson(value)));
}

/** Undefined when there is none or it cannot be read: the caller's next `apply` says it all again. */
export async function loadSections(dataDir: string): Promise<readonly Section[] | undefined> {
  const text = await readFile(join(dataDir, FILE), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let saved: Saved;
  try {
    saved = state.fromJson(JSON.parse(text));
  } catch {
    return undefined;
  }
  return saved.sections.map(({ name, host, tls, checkPath, backends, slots }) => {
    const route: GatewayRoute = {
      host,
      tls,
      backends: backends.map(given),
      ...(checkPath === null ? {} : { checks: { type: "http", path: checkPath } }),
    };
    return {
      name,
      route,
      slots: slots.map((slot) => ({
        name: slot.name,
        namespace: slot.namespace ?? undefined,
        backend: slot.backend === null ? undefined : given(slot.backend),
      })),
    };
  });
}
