import { Agent, request } from "node:http";
import { request as secureRequest } from "node:https";
import { connect as tlsConnect } from "node:tls";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}
interface Ask {
  readonly port: number;
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
  /** Given: https with this authority trusted. */
  readonly ca?: string;
}

export function ask(options: Ask): Promise<Answer> {
  const { port, host, path = "/", method = "GET", headers = {}, agent, ca } = options;
  return new Promise((resolve, reject) => {
    const common = { host: "127.0.0.1", port, path, method, headers: { host, ...headers } };
    const sent =
      ca === undefined
        ? request({ ...common, ...(agent === undefined ? {} : { agent }) })
        : secureRequest({ ...common, ca, servername: host });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
      response.on("error", reject);
    });
    sent.setTimeout(60_000, () => sent.destroy(new Error("no answer")));
    sent.end();
  });
}

export const nameOf = (answer: Answer): string => (JSON.parse(answer.text) as { name: string }).name;

/** Whose certificate answers for this name. */
export function certificateOf(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

export interface Load {
  done(): Promise<{ readonly sent: number; readonly failed: readonly string[]; readonly slowestMs: number }>;
}

/** Keep-alive requests one after the other on some connections, until told to end. */
export function startLoad(options: { readonly port: number; readonly host: string; readonly connections: number }): Load {
  const { port, host, connections } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const failed: string[] = [];
  let sent = 0;
  let slowestMs = 0;
  let ending = false;
  const loop = async (): Promise<void> => {
    // oxlint-disable-next-line no-unmodified-loop-condition -- done() ends it
    while (!ending) {
      const startedMs = performance.now();
      sent += 1;
      try {
        const { status } = await ask({ port, host, agent });
        if (status !== 200) failed.push(String(status));
      } catch (error) {
        failed.push(String(error));
      }
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const loops = Promise.all(Array.from({ length: connections }, loop));
  return {
    done: async () => {
      ending = true;
      await loops;
      agent.destroy();
      return { sent, failed, slowestMs };
    },
  };
}
