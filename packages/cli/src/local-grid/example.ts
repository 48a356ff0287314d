/** The example that `tfgrid up` deploys: its images are made from what the machine and the lockfile already have. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@tfgrid/primitives";
import type { ChainReader } from "@tfgrid/tfchain";
import { pushImage } from "../commands/image.ts";
import { createContext } from "../context.ts";
import { cliErrors } from "../errors.ts";
import { planDocument } from "../solution/plan.ts";
import { makeDocument, readDraft } from "../solution/prepare.ts";
import { createSolution } from "../solution/submit.ts";
import { registryName } from "./programs.ts";
import { run } from "./run.ts";
import type { RunningGrid } from "./start-grid.ts";
import { readJson, writeJson } from "./state-files.ts";

export const EXAMPLE_NAME = "guestbook";
const folder = fileURLToPath(new URL("../../../../examples/guestbook", import.meta.url));
const composeFile = join(folder, "compose.yaml");
const imageProgram = fileURLToPath(new URL("example-image.ts", import.meta.url));
const PARTS = ["web", "store"] as const;
const TAG = "1";

export interface ExampleOptions {
  readonly grid: RunningGrid;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

/** Deploys the guestbook unless it is there; an amended one is left as its owner made it. */
export async function deployExample(options: ExampleOptions): Promise<void> {
  const { grid, signal, note } = options;
  await pushExampleImages(options);
  const context = createContext({ json: true, state: grid.layout.stateDir }, signal);
  try {
    const actor = await context.identity();
    if ((await context.chain().solutionByName(actor.twinId, EXAMPLE_NAME)) !== undefined) return;
    note("signing");
    const draft = await readDraft(composeFile, () => undefined);
    const document = await makeDocument({ draft, version: 1, ownerTwinId: actor.twinId, chain: context.chain(), endpoints: grid.endpoints, signal });
    await planDocument({ chain: context.chain(), notary: context.notary(), actor, document, solution: undefined });
    await createSolution({ context, actor, document, depositUnits: draft.depositUnits });
  } finally {
    await context.close();
  }
}

/** Pushes the images whose content changed since the last time. */
export async function pushExampleImages(options: ExampleOptions): Promise<void> {
  const { grid, signal, note } = options;
  const stampFile = join(grid.layout.stateDir, "images", "pushed.json");
  const pushed = (readJson(stampFile) ?? {}) as Record<string, string>;
  for (const part of PARTS) {
    const program = join(folder, part, "server.mjs");
    const content = createHash("sha256").update(readFileSync(program)).update(process.version).digest("hex");
    const dir = join(grid.layout.stateDir, "images", part);
    if (pushed[part] === content && existsSync(dir)) continue;
    note(`making the image of ${part}`);
    await run(process.execPath, [imageProgram, dir, program, TAG], { signal });
    await pushImage({ source: `oci:${dir}:${TAG}`, name: `${EXAMPLE_NAME}-${part}:${TAG}`, registryName, registryUrl: grid.endpoints.registry.url, signal });
    pushed[part] = content;
    writeJson(stampFile, pushed);
  }
}

/** Patience for the first good answer; a cold start makes and pulls images on every node. */
const FIRST_ANSWER_TIMEOUT_MS = 120_000;
const POLL_MS = 50;
/** All replicas should answer before a person is told to look; one that cannot, for example on a lost node, holds nobody up for longer. */
const ALL_ANSWER_TIMEOUT_MS = 20_000;
/** The gateway asks its two replicas in turn: so many good answers in a row are several of each. */
const GOOD_IN_A_ROW = 8;

/** Asks the gateway node itself until the page comes. @throws GridError cli.timeout with the agent's last word */
export async function waitForExample(options: ExampleOptions): Promise<void> {
  const { grid, signal, note } = options;
  const deadlineMs = systemClock.nowMs() + FIRST_ANSWER_TIMEOUT_MS;
  const host = `${EXAMPLE_NAME}.${grid.endpoints.gateway.domain}`;
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    if ((await statusOf(grid.endpoints.gateway.address, host)) === 200) return;
    if (attempt % 20 === 0) note(await lastWord(grid.chain));
    if (systemClock.nowMs() > deadlineMs) throw cliErrors.fail("cli.timeout", { message: `The guestbook did not answer within ${FIRST_ANSWER_TIMEOUT_MS / 1000} s; ${await lastWord(grid.chain)}` });
    await systemClock.sleep(POLL_MS, signal);
  }
}

/**
 * The first answer comes from the quickest replica; a moment later the other may still look for its store.
 * @throws GridError cli.timeout with the agent's last word
 */
export async function waitForAllReplicas({ grid, signal, note }: ExampleOptions): Promise<void> {
  const deadlineMs = systemClock.nowMs() + ALL_ANSWER_TIMEOUT_MS;
  const host = `${EXAMPLE_NAME}.${grid.endpoints.gateway.domain}`;
  for (let good = 0; good < GOOD_IN_A_ROW; ) {
    signal.throwIfAborted();
    const runs = good > 0 || (await example(grid.chain))?.state === "running";
    good = runs && (await statusOf(grid.endpoints.gateway.address, host)) === 200 ? good + 1 : 0;
    if (good > 0) continue;
    const word = await lastWord(grid.chain);
    note(word);
    if (systemClock.nowMs() > deadlineMs) throw cliErrors.fail("cli.timeout", { message: `Not all replicas of the guestbook answered within ${ALL_ANSWER_TIMEOUT_MS / 1000} s; ${word}` });
    await systemClock.sleep(POLL_MS, signal);
  }
}

async function example(chain: ChainReader) {
  return (await chain.solutions({ limit: 1000 })).find((entry) => entry.name === EXAMPLE_NAME && entry.state !== "cancelled");
}

async function lastWord(chain: ChainReader): Promise<string> {
  const solution = await example(chain);
  if (solution === undefined) return "not on the ledger yet";
  return `${solution.state}${solution.note === null ? "" : `: ${solution.note.message}`}`;
}

/** `node:http`, because fetch does not let a caller choose the Host header. */
function statusOf(address: string, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host: address, port: 80, path: "/", headers: { host }, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(undefined));
    sent.end();
  });
}
