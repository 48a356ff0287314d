/**
 * HAProxy's configuration from the desired routes. Pure. What can change at run time (addresses, maps) is in it too, so
 * that a restart keeps it, but only the rest decides about a reload: its hash is kept in HAProxy's description.
 */
import { createHash } from "node:crypto";
import { GATEWAY_LIMITS as L } from "../limits.ts";
import type { Section, Slot } from "./desired.ts";
import { PAGES, type PageStatus, RETRY_AFTER_SEC } from "./pages.ts";
import { SPARE_ADDRESS, SPARE_PORT } from "./servers.ts";

export interface ConfigInput {
  readonly machine: string;
  readonly listen: { readonly http: number; readonly https: number; readonly address: string };
  readonly requestsPer10s: number;
  readonly sections: readonly Section[];
  /** Network -> which one it is (inode): a network made anew under its old name needs a reload, for HAProxy holds the old one. */
  readonly namespaceIds: ReadonlyMap<string, string>;
  /** Changes when a certificate does. */
  readonly certificateId: string;
}

export const ADMIN_SOCKET = "admin.sock";
export const PID_FILE = "haproxy.pid";
export const CONFIG_FILE = "haproxy.cfg";
export const CERTIFICATE_FILE = "gateway.pem";
export const mapFile = (name: string): string => `${name}.map`;

/** Paths are relative to the gateway's folder, which HAProxy enters first: whatever blanks or quotes are above it do not matter. */
function globalPart(hash: string): string {
  return `global
  description ${hash}
  stats socket unix@./${ADMIN_SOCKET} mode 600 level admin expose-fd listeners
  stats timeout ${L.socketTimeoutMs}ms
  maxconn ${L.maxConnections}
  hard-stop-after ${L.hardStopSec}s
  nbthread 2
  tune.http.maxhdr ${L.maxHeaders}
  tune.ssl.default-dh-param 2048
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-bind-ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
`;
}

function defaultsPart(): string {
  const pages = (["400", "408", "502", "503", "504"] as const).map((status) => `  errorfile ${status} ./${status}.http`);
  return `defaults
  mode http
  timeout connect ${L.connectMs}ms
  timeout client ${L.clientIdleMs}ms
  timeout client-fin ${L.requestHeadMs}ms
  timeout server ${L.serverIdleMs}ms
  timeout server-fin ${L.requestHeadMs}ms
  timeout tunnel ${L.tunnelIdleMs}ms
  timeout queue ${L.queueMs}ms
  timeout http-request ${L.requestHeadMs}ms
  timeout http-keep-alive ${L.keepAliveMs}ms
  timeout check ${L.checkTimeoutMs}ms
  # A reload must not close a kept connection under a request that is on its way.
  option idle-close-on-response
  option redispatch 1
  option contstats
  retries 3
${pages.join("\n")}
`;
}

/** For programs that ask for JSON the same answer as JSON. */
function answer(status: PageStatus, condition: string): string {
  const retry = RETRY_AFTER_SEC[status];
  const headers = `hdr x-grid-error ${PAGES[status]} hdr cache-control no-store${retry === undefined ? "" : ` hdr retry-after ${retry}`}`;
  const prefix = `  http-request return status ${status}`;
  return [
    `${prefix} content-type application/json ${headers} file ./${status}.json if ${condition} { req.hdr(accept) -m sub application/json }`,
    `${prefix} content-type "text/html; charset=utf-8" ${headers} file ./${status}.html if ${condition}`,
  ].join("\n");
}

/** The same rules for http and https; `proto` is what the zmachine is told. */
function frontendRules(input: ConfigInput, proto: "http" | "https"): string {
  const hosts = `./${mapFile("hosts")}`;
  return `  http-request track-sc0 src table clients
${answer("429", `{ sc_http_req_rate(0) gt ${input.requestsPer10s} }`)}
${answer("413", `{ req.hdr_val(content-length) gt ${L.maxBodyBytes} }`)}
  http-request set-var(txn.host) req.hdr(host),field(1,:),lower
${proto === "http" ? `  http-request redirect scheme https code 308 if { var(txn.host),map_str(./${mapFile("redirect")}) -m found }\n` : ""}  http-request set-var(txn.section) var(txn.host),map_str(${hosts})
${answer("404", "!{ var(txn.section) -m found }")}
  # What a client claims about itself must not reach the zmachine as if the gateway had said it.
  http-request del-header X-Forwarded- -m beg
  http-request del-header Forwarded
  http-request del-header X-Real-IP
  http-request del-header X-Client-IP
  http-request del-header Proxy
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto ${proto}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  use_backend %[var(txn.section)]
`;
}

function frontends(input: ConfigInput): string {
  const { listen, machine } = input;
  const inner = `abns@tfgrid-${machine}-tls`;
  const connections = `  maxconn ${L.maxConnections}
  # One address must not take all connections by opening many and sending slowly.
  tcp-request connection track-sc1 src table connections
  tcp-request connection reject if { sc_conn_cur(1) gt ${L.maxConnectionsPerClient} }`;
  return `# Who sent how much: an entry an address, the oldest forgotten first.
backend clients
  stick-table type ipv6 size ${L.rememberedClients} expire 30s store http_req_rate(10s)

backend connections
  stick-table type ipv6 size ${L.rememberedClients} expire 30s store conn_cur

frontend http
  bind ${listen.address}:${listen.http}
${connections}
${frontendRules(input, "http")}
# Looks at the name in the TLS hello only: passed-through hosts go on as they are, all others to the frontend that ends TLS.
frontend tls
  mode tcp
  bind ${listen.address}:${listen.https}
${connections}
  tcp-request inspect-delay ${L.requestHeadMs}ms
  tcp-request content set-var(sess.section) req.ssl_sni,lower,map_str(./${mapFile("passthrough")}) if { req.ssl_hello_type 1 }
  tcp-request content accept if { req.ssl_hello_type 1 }
  tcp-request content reject
  use_backend %[var(sess.section)] if { var(sess.section) -m found }
  default_backend tls_here

backend tls_here
  mode tcp
  server here ${inner} send-proxy-v2

frontend https
  bind ${inner} accept-proxy ssl crt ./${CERTIFICATE_FILE} alpn h2,http/1.1
  maxconn ${L.maxConnections}
${frontendRules(input, "https")}`;
}

function serverLine(slot: Slot, withAddress: boolean): string {
  const { backend, name, namespace } = slot;
  const place = namespace === undefined ? "" : ` namespace ${namespace}`;
  const used = withAddress && backend !== undefined;
  const address = used ? backend.address : SPARE_ADDRESS;
  const target = `${address.includes(":") ? `[${address}]` : address}:${used ? backend.port : SPARE_PORT}`;
  return `  server ${name} ${target}${place}${used ? "" : " disabled"}`;
}

function sectionPart(section: Section, withAddresses: boolean): string {
  const { route, name, slots } = section;
  const passthrough = route.tls === "passthrough";
  const path = route.checks?.type === "http" && !passthrough ? route.checks.path : undefined;
  const check = path === undefined ? "" : `\n  option httpchk\n  http-check send meth GET uri ${path} ver HTTP/1.1 hdr host ${route.host}`;
  const http = `
  # The old process after a reload counts no servers in its stopped backends although it still uses them.
${answer("503", "{ nbsrv lt 1 } !{ stopping }")}
  # Sent again only where that cannot do a thing twice.
  retry-on conn-failure empty-response
  http-request disable-l7-retry unless METH_GET`;
  return `backend ${name}
  mode ${passthrough ? "tcp" : "http"}
  balance roundrobin${check}${passthrough ? "" : http}
  default-server check inter ${L.checkIntervalMs}ms fastinter ${L.checkFastMs}ms fall 2 rise 1 observe layer4 error-limit 2 on-error fastinter maxconn ${L.maxConnectionsPerServer}
${slots.map((slot) => serverLine(slot, withAddresses)).join("\n")}
`;
}

function render(input: ConfigInput, hash: string, withAddresses: boolean): string {
  const namespaces = [...input.namespaceIds].map(([name, id]) => `# network ${name} ${id}`);
  const head = ["# Written by the web gateway; changes are overwritten.", ...namespaces, `# certificate ${input.certificateId}`].join("\n");
  const sections = input.sections.map((section) => sectionPart(section, withAddresses));
  return [head, globalPart(hash), defaultsPart(), frontends(input), ...sections].join("\n");
}

/** Hash over everything that needs a reload when it changes. */
export function structureHash(input: ConfigInput): string {
  return `tfgrid-${input.machine}-${createHash("sha256")
    .update(render(input, "", false))
    .digest("hex")
    .slice(0, 24)}`;
}

export function renderConfig(input: ConfigInput): string {
  return render(input, structureHash(input), true);
}
