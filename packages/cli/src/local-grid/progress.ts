/** Progress of long work, step by step: a live line on a terminal, plain lines elsewhere. */
import { paint } from "../output/terminal.ts";

export interface Progress {
  /** Runs one step and shows how long it took; `note` shows what it is busy with. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T>;
}

export interface ProgressOptions {
  readonly stream: NodeJS.WriteStream;
  readonly silent: boolean;
  readonly nowMs: () => number;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;

export function createProgress(options: ProgressOptions): Progress {
  const { stream, silent, nowMs } = options;
  if (silent) return { step: (_title, work) => work(() => undefined) };
  return {
    step: async (title, work) => {
      const startedMs = nowMs();
      const seconds = (): string => `${((nowMs() - startedMs) / 1000).toFixed(1)} s`;
      let detail = "";
      let frame = 0;
      const draw = (): void => {
        frame += 1;
        stream.write(`\r\u001b[2K${paint("cyan", FRAMES[frame % FRAMES.length] ?? "", stream)} ${title} ${paint("dim", `${seconds()} ${detail}`, stream)}`);
      };
      const timer = stream.isTTY ? setInterval(draw, 120) : undefined;
      const end = (mark: string): void => {
        clearInterval(timer);
        stream.write(`${stream.isTTY ? "\r\u001b[2K" : ""}${mark} ${title} ${paint("dim", seconds(), stream)}\n`);
      };
      try {
        const result = await work((text) => {
          detail = text;
        });
        end(paint("green", "✔", stream));
        return result;
      } catch (error) {
        end(paint("red", "✘", stream));
        throw error;
      }
    },
  };
}
