/** The guestbook's store: one append-only file on a volume. A message is acknowledged only after it is on the disk. */
import { appendFileSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const PORT = Number(process.env.PORT ?? 7000);
const FOLDER = process.env.DATA_DIR ?? "/data";
const MAX_MESSAGE_BYTES = 4096;
const MAX_MESSAGES = 1000;

mkdirSync(FOLDER, { recursive: true });
const path = join(FOLDER, "messages.jsonl");
const file = openSync(path, "a");

function load() {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, "utf8");
  // The last line may be half-written after a power loss; it was never acknowledged, and the next must not be glued to it.
  if (text !== "" && !text.endsWith("\n")) appendFileSync(file, "\n");
  const lines = text.split("\n");
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

const messages = load();

function answer(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_MESSAGE_BYTES) throw Object.assign(new Error("message too long"), { status: 413 });
  }
  return JSON.parse(text);
}

async function addMessage(request, response) {
  const { name, text } = await bodyOf(request);
  if (typeof name !== "string" || typeof text !== "string" || text.trim() === "") throw Object.assign(new Error("name and text are needed"), { status: 400 });
  const message = { id: messages.length + 1, name: name.slice(0, 80), text: text.slice(0, 2000), at: new Date().toISOString() };
  appendFileSync(file, `${JSON.stringify(message)}\n`);
  fsyncSync(file);
  messages.push(message);
  answer(response, 201, message);
}

const server = createServer((request, response) => {
  const route = `${request.method} ${request.url}`;
  if (route === "GET /healthz") return answer(response, 200, { ok: true, messages: messages.length });
  if (route === "GET /messages") return answer(response, 200, messages.slice(-MAX_MESSAGES));
  if (route !== "POST /messages") return answer(response, 404, { error: "not found" });
  return addMessage(request, response).catch((error) => answer(response, error.status ?? 400, { error: error.message }));
});

server.listen(PORT, () => process.stdout.write(`store serves ${messages.length} messages on ${PORT}\n`));
process.on("SIGTERM", () => {
  server.close(() => {
    closeSync(file);
    process.exit(0);
  });
  server.closeIdleConnections();
});
