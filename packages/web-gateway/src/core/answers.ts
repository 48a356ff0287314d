/** What HAProxy says on its run-time socket. Pure. */

export interface ServerState {
  readonly address: string;
  readonly port: number;
  /** Serves: HAProxy's `srv_op_state` 2 (running) or 1 (starting). */
  readonly up: boolean;
  /** In maintenance by the configuration or by command. */
  readonly maintenance: boolean;
}

const FIELDS = ["be_name", "srv_name", "srv_addr", "srv_op_state", "srv_admin_state", "srv_port"] as const;
/** SRV_ADMF_FMAINT, _IMAINT, _RMAINT, _HMAINT of HAProxy's server-t.h; CMAINT (0x04) only tells where FMAINT once came from, and stays. */
const MAINTENANCE = 0x01 | 0x02 | 0x20 | 0x40;

/** `show servers state`: `BACKEND/SERVER` -> state. */
export function parseServersState(text: string): Map<string, ServerState> {
  const lines = text.split("\n");
  const header =
    lines
      .find((line) => line.startsWith("# "))
      ?.slice(2)
      .split(" ") ?? [];
  const at = new Map(FIELDS.map((field) => [field, header.indexOf(field)]));
  const states = new Map<string, ServerState>();
  for (const line of lines) {
    if (line === "" || line.startsWith("#") || /^\d+$/.test(line)) continue;
    const cells = line.split(" ");
    const cell = (field: (typeof FIELDS)[number]): string => cells[at.get(field) ?? -1] ?? "";
    const operating = Number(cell("srv_op_state"));
    states.set(`${cell("be_name")}/${cell("srv_name")}`, {
      address: cell("srv_addr"),
      port: Number(cell("srv_port")),
      up: operating === 1 || operating === 2,
      maintenance: (Number(cell("srv_admin_state")) & MAINTENANCE) !== 0,
    });
  }
  return states;
}

/** `show map FILE`: lines of `0xPOINTER KEY VALUE`. */
export function parseMap(text: string): Map<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, key, value] = line.split(" ");
    if (key !== undefined && value !== undefined) entries.set(key, value);
  }
  return entries;
}

/** `show stat` of backends (CSV with a header): bytes both ways since this HAProxy began, health checks left out, by backend. */
export function parseTraffic(text: string): Map<string, number> {
  const [header = "", ...lines] = text.split("\n");
  const names = header.replace(/^# /, "").split(",");
  const at = (name: string): number => names.indexOf(name);
  const columns = { backend: at("pxname"), kind: at("svname"), toServer: at("bin"), toVisitor: at("bout") };
  const traffic = new Map<string, number>();
  for (const line of lines) {
    const cells = line.split(",");
    const bytes = Number(cells[columns.toServer]) + Number(cells[columns.toVisitor]);
    if (cells[columns.kind] === "BACKEND" && Number.isSafeInteger(bytes)) traffic.set(cells[columns.backend] ?? "", bytes);
  }
  return traffic;
}

/** `show info`: only the description, in which we keep the hash of what it was started with. */
export function parseDescription(text: string): string | undefined {
  return /^description: (.*)$/m.exec(text)?.[1]?.trim();
}
