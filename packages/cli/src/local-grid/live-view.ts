/** The live view of a running grid: nodes, solutions, zmachines and what happened last, redrawn in place. */
import { type Clock, messageOf } from "@tfgrid/primitives";
import type { ChainClient, Contract, EventBlock, Node, Solution } from "@tfgrid/tfchain";
import type { GridEndpoints } from "../endpoints.ts";
import { nodeTable, routeLines, solutionTable, zmachineTable } from "../output/describe.ts";
import { paint } from "../output/terminal.ts";
import { narrator } from "../output/sentences.ts";
import type { ProgramStatus } from "./supervisor.ts";

export interface LiveViewOptions {
  readonly chain: ChainClient;
  readonly endpoints: GridEndpoints;
  readonly programs: () => readonly ProgramStatus[];
  readonly stream: NodeJS.WriteStream;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

interface Picture {
  nodes: readonly Node[];
  solutions: readonly Solution[];
  contracts: readonly Contract[];
  /** Newest last. */
  events: string[];
  error: string | undefined;
}

const REDRAW_MS = 1000;
const EVENT_LINES = 10;
const MIN_ROWS = 20;
const ALTERNATE_SCREEN = "\u001b[?1049h\u001b[?25l";
const NORMAL_SCREEN = "\u001b[?25h\u001b[?1049l";
const HOME_AND_CLEAR = "\u001b[H\u001b[2J";

/** Runs until the signal is aborted. On a terminal it draws; elsewhere it prints one line an event. */
export async function liveView(options: LiveViewOptions): Promise<void> {
  const { stream, signal } = options;
  const picture: Picture = { nodes: [], solutions: [], contracts: [], events: [], error: undefined };
  const following = followEvents(options, picture);
  if (!stream.isTTY) return following;
  stream.write(ALTERNATE_SCREEN);
  try {
    while (!signal.aborted) {
      await refresh(options.chain, picture);
      stream.write(HOME_AND_CLEAR + draw(options, picture));
      await options.clock.sleep(REDRAW_MS, signal).catch(() => undefined);
    }
  } finally {
    stream.write(NORMAL_SCREEN);
  }
  await following;
  return undefined;
}

async function followEvents(options: LiveViewOptions, picture: Picture): Promise<void> {
  const { chain, stream, signal } = options;
  const { height } = await chain.head();
  const tell = narrator();
  const from = Math.max(0, height - 200) as typeof height;
  for await (const block of chain.follow({ from, signal })) {
    for (const line of linesOf(block, tell)) {
      if (!stream.isTTY && block.height > height) stream.write(`${line}\n`);
      picture.events = [...picture.events, line].slice(-EVENT_LINES);
    }
  }
}

function linesOf(block: EventBlock, tell: ReturnType<typeof narrator>): readonly string[] {
  const time = new Date(block.timeMs).toISOString().slice(11, 19);
  return block.events.flatMap((event) => {
    const sentence = tell(event);
    return sentence === undefined ? [] : [`${paint("dim", time)} ${sentence}`];
  });
}

async function refresh(chain: ChainClient, picture: Picture): Promise<void> {
  try {
    const [nodes, solutions, contracts] = await Promise.all([chain.nodes({ limit: 50 }), chain.solutions({ limit: 50 }), chain.contracts({ active: true, limit: 200 })]);
    Object.assign(picture, { nodes, solutions: solutions.filter((solution) => solution.state !== "cancelled"), contracts, error: undefined });
  } catch (error) {
    picture.error = messageOf(error);
  }
}

function draw(options: LiveViewOptions, picture: Picture): string {
  const { endpoints, clock } = options;
  const nowMs = clock.nowMs();
  const broken = options.programs().filter((program) => program.state !== "running");
  const lines = [
    `${paint("bold", "The grid")}  dashboard ${paint("cyan", endpoints.dashboard)}   web gateway ${paint("cyan", endpoints.gateway.http)} (NAME.${endpoints.gateway.domain})   chain ${endpoints.chain.url}`,
    ...(picture.error === undefined ? [] : [paint("red", `stale: ${picture.error}`)]),
    ...broken.map((program) => paint("yellow", `${program.name} is ${program.state}${program.lastExit === undefined ? "" : ` (last end: ${program.lastExit})`}`)),
    "",
    nodeTable(picture.nodes, nowMs),
    "",
    solutionTable(picture.solutions),
    "",
    zmachineTable(picture.contracts, nowMs),
    "",
    ...routeLines(picture.contracts),
    "",
    paint("dim", "LATEST"),
    ...picture.events,
    "",
    paint("dim", "Ctrl-C stops everything that was started; state stays and continues next time."),
  ];
  return lines.join("\n").split("\n").slice(0, Math.max(MIN_ROWS, options.stream.rows - 1)).join("\n");
}
