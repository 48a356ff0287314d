/** The guestbook's web page: several replicas, no state; messages live in the store, found by its service name. */
import { Agent, createServer, request as httpRequest } from "node:http";
import { hostname } from "node:os";

const PORT = Number(process.env.PORT ?? 8080);
const STORE = new URL(process.env.STORE_URL ?? "http://store:7000");
const TITLE = process.env.TITLE ?? "Guestbook";
const STORE_TIMEOUT_MS = 3000;
const MAX_BODY_BYTES = 8192;
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const startedAt = Date.now();

function store(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, STORE), { method, agent, timeout: STORE_TIMEOUT_MS, headers: body === undefined ? {} : { "content-type": "application/json" } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    request.on("timeout", () => request.destroy(new Error("the store does not answer")));
    request.on("error", reject);
    request.end(body);
  });
}

const escape = (text) => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

function page(messages, notice) {
  const items = messages
    .toReversed()
    .map((message) => `<li><p>${escape(message.text)}</p><small>${escape(message.name)} · ${escape(message.at.slice(0, 16).replace("T", " "))}</small></li>`)
    .join("\n");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(TITLE)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;color:#17233a;background:#f6f8fb}h1{margin-bottom:0}
form{display:grid;gap:.5rem;margin:1.5rem 0;background:#fff;padding:1rem;border-radius:.75rem;box-shadow:0 1px 4px #17233a22}
input,textarea,button{font:inherit;padding:.5rem .75rem;border:1px solid #c5cfdd;border-radius:.5rem}button{background:#0b6bcb;color:#fff;border:0;cursor:pointer}
ul{list-style:none;padding:0}li{background:#fff;margin:.75rem 0;padding:.75rem 1rem;border-radius:.75rem;box-shadow:0 1px 3px #17233a18}li p{margin:0}small{color:#5c6b82}
.notice{color:#a02020}</style></head><body><h1>${escape(TITLE)}</h1><small>answered by <b id="replica">${escape(hostname())}</b></small>
${notice === undefined ? "" : `<p class="notice">${escape(notice)}</p>`}
<form method="post" action="/messages"><input name="name" placeholder="Your name" required maxlength="80"><textarea name="text" placeholder="Your message" required maxlength="2000"></textarea><button>Sign</button></form>
<ul id="messages">${items}</ul></body></html>`;
}

function send(response, status, type, body) {
  response.writeHead(status, { "content-type": type, "x-replica": hostname(), "cache-control": "no-store" });
  response.end(body);
}

async function showPage(response) {
  try {
    const { text } = await store("GET", "/messages");
    send(response, 200, "text/html; charset=utf-8", page(JSON.parse(text)));
  } catch (error) {
    send(response, 503, "text/html; charset=utf-8", page([], `The store cannot be reached: ${error.message}`));
  }
}

async function addMessage(request, response) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) return send(response, 413, "text/plain", "too long\n");
  }
  const form = request.headers["content-type"]?.startsWith("application/json") !== true;
  const body = form ? JSON.stringify(Object.fromEntries(new URLSearchParams(text))) : text;
  try {
    const stored = await store("POST", "/messages", body);
    if (form && stored.status === 201) return response.writeHead(303, { location: "/", "x-replica": hostname() }).end();
    return send(response, stored.status, "application/json", stored.text);
  } catch (error) {
    return send(response, 503, "application/json", JSON.stringify({ error: error.message }));
  }
}

const routes = {
  "GET /": (_request, response) => showPage(response),
  "GET /healthz": (_request, response) => send(response, 200, "application/json", JSON.stringify({ ok: true, replica: hostname(), uptimeMs: Date.now() - startedAt })),
  "GET /messages": async (_request, response) => {
    try {
      const { status, text } = await store("GET", "/messages");
      send(response, status, "application/json", text);
    } catch (error) {
      send(response, 503, "application/json", JSON.stringify({ error: error.message }));
    }
  },
  "POST /messages": addMessage,
};

const server = createServer((request, response) => {
  const route = routes[`${request.method} ${new URL(request.url, "http://web").pathname}`];
  if (route === undefined) return send(response, 404, "text/plain", "not found\n");
  return route(request, response);
});
server.listen(PORT, () => process.stdout.write(`web serves on ${PORT}, store at ${STORE.href}\n`));
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
