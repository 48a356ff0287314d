/** What people see: plain text that is as readable in a pipe as on a terminal. */

const ESCAPES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", blue: "34", cyan: "36" } as const;
export type Style = keyof typeof ESCAPES;

/** Colours only on a terminal that wants them (https://no-color.org). */
export function paint(style: Style, text: string, stream: { readonly isTTY?: boolean } = process.stdout): string {
  if (stream.isTTY !== true || process.env["NO_COLOR"] !== undefined) return text;
  return `\u001b[${ESCAPES[style]}m${text}\u001b[0m`;
}

// oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
const visible = (text: string): number => text.replaceAll(/\u001b\[[0-9;]*m/g, "").length;

/** Left-aligned columns, two spaces apart, with a dim header. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => visible(row[column] ?? ""))));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - visible(cell)))).join("  ").trimEnd();
  return [paint("dim", line(header)), ...rows.map(line)].join("\n");
}

/** `3 s`, `4 min`, `2 h`, `5 d`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

const STATE_STYLES: Readonly<Record<string, Style>> = {
  up: "green", running: "green", healthy: "green", created: "green", accepted: "cyan", deploying: "cyan", starting: "cyan", pulling: "cyan", proposed: "yellow", degraded: "yellow", grace: "yellow", paused: "yellow", cordon: "yellow", drain: "yellow", restarting: "yellow", waiting: "yellow",
  down: "red", failed: "red", unhealthy: "red", exited: "red", cancelled: "dim", deleted: "dim", stopped: "dim",
};

export function state(text: string): string {
  const style = STATE_STYLES[text];
  return style === undefined ? text : paint(style, text);
}
