import type { Clock, Logger } from "@tfgrid/primitives";

export interface GatewayBackend {
  /** Unique in its route: the zmachine's key. Keeps its place when others come and go. */
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Name in /run/netns of the private network where the address lies; undefined: the gateway's own namespace. */
  readonly namespace?: string | undefined;
}

export interface GatewayRoute {
  /** Whole host name: `NAME.DOMAIN`. */
  readonly host: string;
  /** `both`: http and https; `redirect`: http leads to https; `passthrough`: TLS goes through to the zmachine, by SNI. */
  readonly tls: "both" | "redirect" | "passthrough";
  readonly backends: readonly GatewayBackend[];
  /** Default: a TCP connection. */
  readonly checks?: { readonly type: "tcp" } | { readonly type: "http"; readonly path: string };
}

export interface RouteStatus {
  readonly host: string;
  /** Healthy ones, by HAProxy's own checks. */
  readonly backends: number;
  /** Given and configured. */
  readonly backendsTotal: number;
  readonly code?: string;
  readonly message?: string;
}

export interface GatewayStatus {
  readonly running: boolean;
  /** HAProxy's master process. */
  readonly pid: number | undefined;
  readonly routes: readonly RouteStatus[];
  /** Since this object was made. */
  readonly reloads: number;
  readonly starts: number;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

export interface GatewayOptions {
  /** Name of the machine: names sockets and shows up in HAProxy's description. */
  readonly machine: string;
  /** Name in /run/netns where HAProxy runs; undefined: the current one. */
  readonly netns: string | undefined;
  readonly dataDir: string;
  /** The gateway's own domain: its certificate covers `DOMAIN` and `*.DOMAIN`. */
  readonly domain: string;
  readonly listen: { readonly http: number; readonly https: number; /** Default `*`. */ readonly address?: string };
  readonly requestsPer10s?: number;
  readonly haproxyPath?: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

export interface Gateway {
  /** Makes these the routes, all of them; answers when HAProxy serves them. Safe to call as often as one likes. @throws GridError gateway.* */
  apply(routes: readonly GatewayRoute[]): Promise<GatewayStatus>;
  status(): Promise<GatewayStatus>;
  /**
   * Bytes of visitors, both ways, by host of the present routes. Begins anew when HAProxy starts or takes a new configuration;
   * connections that a process before still serves then are not counted. @throws GridError gateway.socket_failed
   */
  traffic(): Promise<ReadonlyMap<string, number>>;
  /** The authority that signs this gateway's own certificates (PEM), for clients that want to trust it. */
  authorityPem(): Promise<string>;
  /** Ends our looking after it; HAProxy goes on serving and is adopted by the next `createGateway` on the same folder. */
  stop(): Promise<void>;
  /** Ends HAProxy too and removes the folder. */
  teardown(): Promise<void>;
}
