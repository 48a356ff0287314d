/** Answers of the gateway itself: for people (HTML) and for programs (JSON), each with its code. Pure. */
import { catalogue } from "../errors.ts";

export const PAGES = {
  "400": "gateway.bad_request",
  "404": "gateway.unknown_host",
  "408": "gateway.request_too_slow",
  "413": "gateway.body_too_large",
  "429": "gateway.too_many_requests",
  "502": "gateway.backend_failed",
  "503": "gateway.no_backend",
  "504": "gateway.backend_slow",
} as const;
export type PageStatus = keyof typeof PAGES;

const REASONS: Readonly<Record<PageStatus, string>> = {
  "400": "Bad Request",
  "404": "Not Found",
  "408": "Request Timeout",
  "413": "Content Too Large",
  "429": "Too Many Requests",
  "502": "Bad Gateway",
  "503": "Service Unavailable",
  "504": "Gateway Timeout",
};
export const RETRY_AFTER_SEC: Partial<Readonly<Record<PageStatus, number>>> = { "429": 10, "503": 2 };

export function htmlPage(status: PageStatus): string {
  const code = PAGES[status];
  const { summary, cure } = catalogue[code];
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${REASONS[status]}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}code{opacity:.7}</style>
<h1>${REASONS[status]}</h1><p>${summary}</p><p>${cure}</p><p><code>${code}</code></p></html>
`;
}

export function jsonPage(status: PageStatus): string {
  const code = PAGES[status];
  const { summary, cure } = catalogue[code];
  return `${JSON.stringify({ code, message: summary, cure, details: {} })}\n`;
}

/** HAProxy sends the file as it is, so it is a whole HTTP answer. */
export function errorFile(status: PageStatus): string {
  const body = htmlPage(status);
  const retry = RETRY_AFTER_SEC[status];
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    "content-type: text/html; charset=utf-8",
    "cache-control: no-store",
    `x-grid-error: ${PAGES[status]}`,
    ...(retry === undefined ? [] : [`retry-after: ${retry}`]),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
