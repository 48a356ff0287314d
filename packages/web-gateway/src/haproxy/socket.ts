/** HAProxy's run-time socket: one connection a request, as its non-interactive mode wants. */
import { createConnection } from "node:net";
import { fail } from "../errors.ts";
import { GATEWAY_LIMITS as L } from "../limits.ts";

export type Ask = (command: string) => Promise<string>;

export function askSocket(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const socket = createConnection({ path });
    const refuse = (cause: unknown): void => {
      socket.destroy();
      reject(fail("gateway.socket_failed", { cause }));
    };
    socket.setTimeout(L.socketTimeoutMs, () => refuse(new Error("no answer in time")));
    socket.on("error", refuse);
    socket.on("connect", () => socket.write(`${command}\n`));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > L.maxSocketAnswerBytes) refuse(new Error("the answer is too long"));
    });
    socket.on("end", () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString("utf8"));
    });
  });
}

/** Characters of one command line: below HAProxy's buffer of 16 KiB. */
const LINE_LENGTH = 8_000;

/** Several commands a line; what they bring about is read back afterwards, so answers are only worth a debug line. */
export async function runCommands(ask: Ask, commands: readonly string[]): Promise<string> {
  const answers: string[] = [];
  let line = "";
  for (const command of commands) {
    if (line !== "" && line.length + command.length > LINE_LENGTH) {
      answers.push(await ask(line));
      line = "";
    }
    line = line === "" ? command : `${line};${command}`;
  }
  if (line !== "") answers.push(await ask(line));
  return answers.join("").trim();
}
