/** Follows one solution until it has become what was wanted, telling its timeline on the way. */
import type { Height, SolutionId } from "@tfgrid/primitives";
import type { ChainEvent, Solution } from "@tfgrid/tfchain";
import type { Context } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { narrator } from "../output/sentences.ts";

export interface WatchOptions {
  readonly context: Context;
  readonly solutionId: SolutionId;
  readonly from: Height;
  readonly timeoutMs: number;
  readonly done: (solution: Solution) => boolean;
}

/** @throws GridError cli.timeout with the agent's last word */
export async function watchSolution(options: WatchOptions): Promise<Solution> {
  const { context, solutionId, from, timeoutMs, done } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = new AbortController();
  const tell = narrator();
  const signal = AbortSignal.any([context.signal, timeout, stop.signal]);
  try {
    const now = await read(context, solutionId);
    if (done(now)) return now;
    for await (const block of context.chain().follow({ from, signal })) {
      const ours = block.events.filter((event) => concerns(event, solutionId));
      for (const event of ours) {
        const sentence = tell(event);
        if (sentence !== undefined) context.printer.progress(`  ${new Date(block.timeMs).toISOString().slice(11, 19)} ${sentence}`);
      }
      if (ours.length === 0) continue;
      const solution = await read(context, solutionId);
      if (done(solution)) return solution;
    }
  } finally {
    stop.abort();
  }
  context.signal.throwIfAborted();
  const last = await read(context, solutionId);
  const word = last.note === null ? "the agent has said nothing yet" : `the agent says: ${last.note.message}`;
  throw cliErrors.fail("cli.timeout", { message: `Solution "${last.name}" is still ${last.state} after ${timeoutMs / 1000} s; ${word}`, details: { solutionId, state: last.state, ...(last.note === null ? {} : { code: last.note.code }) } });
}

async function read(context: Context, solutionId: SolutionId): Promise<Solution> {
  const solution = await context.chain().solution(solutionId);
  if (solution === undefined) throw cliErrors.fail("cli.not_found", { message: `There is no solution ${solutionId}.` });
  return solution;
}

function concerns(event: ChainEvent, solutionId: SolutionId): boolean {
  return "solutionId" in event && event.solutionId === solutionId;
}
