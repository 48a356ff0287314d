/** The REST API: the grid proxy's paths at the root (and below /api), our own beside them, and the dashboard's files. */
import fastifyStatic from "@fastify/static";
import type { Logger } from "@tfgrid/primitives";
import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { sql } from "kysely";
import { fail } from "../errors.ts";
import type { IndexerStatus } from "../indexer/indexer.ts";
import { EXPLORER_LIMITS as L } from "../limits.ts";
import type { Database } from "../store/schema.ts";
import { type BrowserOptions, browserRoutes } from "./browser.ts";
import { answerList, selectWhere, type Table } from "./list.ts";
import type { LiveFeed } from "./live.ts";
import { nested, nodeTable } from "./nodes.ts";
import { openAnswers } from "./open-answers.ts";
import { parseUint, present, type RawQuery } from "./params.ts";
import { contractBills, eventRows, lastSeq, solutionById, stats, twinConsumption } from "./queries.ts";
import { refuseAddress, refuseUnreadable, sendError } from "./refusals.ts";
import { contractTable, farmTable, publicIpTable, solutionTable, twinTable } from "./tables.ts";

export interface ServerOptions extends BrowserOptions {
  readonly db: Database;
  readonly live: LiveFeed;
  readonly status: () => IndexerStatus;
  readonly version: string;
  readonly staticDir?: string;
  readonly logger: Logger;
}

const rawQuery = (request: FastifyRequest): RawQuery => request.query as RawQuery;
const idOf = (request: FastifyRequest): number => {
  const { id } = request.params as { readonly id: string };
  const value = Number(id);
  if (!Number.isSafeInteger(value)) throw fail("explorer.not_found", { message: `nothing has the id ${id.slice(0, 40)}` });
  return value;
};
const ID = "/:id(^[0-9]+$)";

function listRoute(app: FastifyInstance, path: string, options: { readonly db: Database; readonly table: Table }): void {
  app.get(path, async (request, reply) => {
    const { rows, headers } = await answerList(options.db, options.table, rawQuery(request));
    return reply.headers(headers).send(rows);
  });
}

async function oneNode(db: Database, id: number): Promise<Record<string, unknown>> {
  const [node] = await selectWhere(db, nodeTable, sql`n.node_id = ${id}`);
  if (node === undefined) throw fail("explorer.not_found", { message: "node not found" });
  return node as Record<string, unknown>;
}

function nodeRoutes(app: FastifyInstance, db: Database): void {
  for (const path of ["/nodes", "/gateways"]) {
    listRoute(app, path, { db, table: nodeTable });
    app.get(`${path}${ID}/status`, async (request) => ({ status: (await oneNode(db, idOf(request)))["status"] }));
    app.get(`${path}${ID}`, async (request) => {
      const node = await oneNode(db, idOf(request));
      if (path === "/gateways" && (node["publicConfig"] as { domain: string }).domain === "")
        throw fail("explorer.not_found", { message: "gateway not found" });
      return nested(node);
    });
  }
}

function contractRoutes(app: FastifyInstance, db: Database): void {
  listRoute(app, "/contracts", { db, table: contractTable });
  app.get(`/contracts${ID}`, async (request) => {
    const [contract] = await selectWhere(db, contractTable, sql`c.contract_id = ${idOf(request)}`);
    if (contract === undefined) throw fail("explorer.not_found", { message: "contract not found" });
    return contract;
  });
  app.get(`/contracts${ID}/bills`, async (request, reply) => {
    const { rows, headers } = await contractBills(db, idOf(request), rawQuery(request));
    return reply.headers(headers).send(rows);
  });
  app.get(`/twins${ID}/consumption`, async (request) => twinConsumption(db, idOf(request)));
}

function solutionRoutes(app: FastifyInstance, db: Database): void {
  listRoute(app, "/solutions", { db, table: solutionTable });
  app.get(`/solutions${ID}`, async (request) => solutionById(db, idOf(request)));
  app.get(`/solutions${ID}/timeline`, async (request) => {
    const query = present(rawQuery(request));
    const from = query.get("from")?.at(-1);
    return eventRows(db, {
      solutionId: idOf(request),
      from: from === undefined ? undefined : parseUint("from", from),
      size: Math.min(parseUint("size", query.get("size")?.at(-1) ?? "200"), L.maxPageSize),
    });
  });
}

/** `/events` streams to whoever accepts an event stream (or asks `?follow=true`), and is a plain list for everybody else. */
function eventRoute(app: FastifyInstance, options: ServerOptions): void {
  app.get("/events", async (request, reply) => {
    const query = present(rawQuery(request));
    const resumed = request.headers["last-event-id"];
    const given = query.get("from")?.at(-1);
    let from = given === undefined ? undefined : parseUint("from", given);
    if (typeof resumed === "string" && resumed !== "") from = parseUint("Last-Event-ID", resumed) + 1;
    const streams = (request.headers.accept ?? "").includes("text/event-stream") || query.has("follow");
    if (!streams) {
      const size = Math.min(parseUint("size", query.get("size")?.at(-1) ?? String(L.defaultPageSize)), L.maxPageSize);
      return eventRows(options.db, { from, size });
    }
    // Counted before the answer is taken over, so that "too many" is still a proper error.
    if (options.live.readers() >= L.maxLiveReaders) throw fail("explorer.too_many_readers");
    reply.hijack();
    await options.live.serve(reply.raw, from);
    return reply;
  });
}

function stateRoutes(app: FastifyInstance, options: ServerOptions): void {
  app.get("/stats", async (request) => stats(options.db, rawQuery(request)));
  app.get("/ping", () => ({ ping: "pong" }));
  app.get("/version", () => ({ version: options.version }));
  app.get("/head", async () => {
    const { progress, head, following } = options.status();
    const newest = head !== undefined && head.height > progress.height ? head : progress;
    return {
      chainId: progress.chainId,
      height: newest.height,
      timeMs: newest.timeMs,
      /** Last block with events that is in the tables. */
      indexedHeight: progress.height,
      lastSeq: await lastSeq(options.db),
      following,
    };
  });
  app.get("/health", () => {
    const { following, error, lastSeenMs, progress } = options.status();
    const seen = { updated_at: Math.floor(lastSeenMs / 1000) };
    return {
      total_state_ok: following,
      db_conn: "ok",
      rmb_conn: "ok",
      chain_conn: following ? "ok" : (error ?? "not connected yet"),
      indexed_height: progress.height,
      indexers: { chain: seen, health: seen, features: seen, workloads: seen },
    };
  });
}

function apiRoutes(app: FastifyInstance, options: ServerOptions): void {
  const { db } = options;
  nodeRoutes(app, db);
  contractRoutes(app, db);
  solutionRoutes(app, db);
  listRoute(app, "/farms", { db, table: farmTable });
  listRoute(app, "/twins", { db, table: twinTable });
  listRoute(app, "/public_ips", { db, table: publicIpTable });
  stateRoutes(app, options);
  eventRoute(app, options);
}

/** `//` alone is no address to the URL parser, and `//host/x` another server's: here both are paths of ours. */
function addressOf(request: FastifyRequest): { readonly pathname: string; readonly search: string } {
  return URL.parse(request.url.replace(/^\/\/+/, "/"), "http://page") ?? { pathname: request.url, search: "" };
}

/** A person's browser that opens or reloads an address, in contrast to a program's request. */
const isNavigation = (request: FastifyRequest): boolean => request.headers["sec-fetch-dest"] === "document";

async function pageRoutes(app: FastifyInstance, staticDir: string): Promise<void> {
  await app.register(fastifyStatic, { root: staticDir, wildcard: false, index: ["index.html"], cacheControl: true, maxAge: 0 });
  // Root paths of the API are also addresses inside the page: a reload there must bring the page.
  app.addHook("onRequest", async (request, reply) => {
    if (!isNavigation(request)) return;
    const path = addressOf(request).pathname;
    if (path !== "/" && !path.startsWith("/api/") && !/\.[a-z0-9]+$/i.test(path)) await reply.sendFile("index.html");
  });
}

export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { staticDir, logger } = options;
  const app = Fastify({
    logger: false,
    bodyLimit: L.maxBodyBytes,
    requestTimeout: L.requestTimeoutMs,
    connectionTimeout: L.connectionStallMs,
    frameworkErrors: refuseAddress,
    clientErrorHandler: refuseUnreadable,
    keepAliveTimeout: L.keepAliveTimeoutMs,
    forceCloseConnections: true,
    http: { maxHeaderSize: L.maxHeaderBytes },
    routerOptions: { maxParamLength: 100 },
  });
  app.server.maxConnections = L.maxConnections;
  app.addHook("onRequest", async (_request, reply) => {
    reply.headers({ "access-control-allow-origin": "*", "access-control-expose-headers": "*", "x-content-type-options": "nosniff" });
  });
  const open = openAnswers();
  app.addHook("preSerialization", async (_request, reply, payload) => {
    if (Array.isArray(payload)) open.take(payload.length, reply.raw);
    return payload;
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, error, logger));
  if (staticDir !== undefined) await pageRoutes(app, staticDir);
  const browser = browserRoutes(options);
  const routes = async (api: FastifyInstance): Promise<void> => {
    apiRoutes(api, options);
    browser(api);
  };
  await app.register(routes);
  await app.register(routes, { prefix: "/api" });
  if (staticDir === undefined) {
    app.get("/", () =>
      JSON.stringify(
        "Welcome to the grid's explorer; available: [/farms, /nodes, /gateways, /twins, /contracts, /public_ips, /stats, /solutions, /events, /head, /health, /version, /ping]",
      ),
    );
  }
  app.setNotFoundHandler((request, reply) => {
    const { pathname, search } = addressOf(request);
    // Strict slashes, as the grid proxy's router has them.
    if (pathname.length > 1 && pathname.endsWith("/") && !pathname.startsWith("//"))
      return reply.redirect(`${pathname.slice(0, -1)}${search}`, 301);
    const wantsPage = (request.headers.accept ?? "").includes("text/html") && !pathname.startsWith("/api/");
    if (staticDir !== undefined && wantsPage && request.method === "GET") return reply.sendFile("index.html");
    return reply.code(404).type("text/plain").send("404 page not found");
  });
  return app;
}
