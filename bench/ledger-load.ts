/**
 * `npm run bench -- ledger-load [contracts] [nodes] [seconds] [--folder PATH] [--report]`: what a full grid costs its ledger when nobody asks
 * anything. 10,000 nodes say every ten minutes that they are there, 1,000,000 contracts are billed every hour: 17 heartbeats
 * and 278 bills a second on a solo chain with its disk, in this process. The past is built with a clock that is moved by hand, so
 * that bills fall due evenly; then the clock runs as clocks do, and the processor time of everything in this process is measured,
 * the sending of heartbeats among it. Fewer contracts are billed more often, so that the rate stays the same. `--folder`: see `grown.ts`.
 */
import { rmSync } from "node:fs";
import { type RunningChain, STATE_LIMITS } from "@tfgrid/tfchain";
import { type GrownLedger, HEARTBEAT_MS, numbers, submit, workOnGrown } from "./grown.ts";
import type { Sender } from "./ledger.ts";
import { statusBytes } from "./processes.ts";
import { report } from "./section.ts";

const [contracts = 100_000, nodes = 10_000, seconds = 60] = numbers();
/**
 * A block gives up the version that is 128 older. Until those are blocks of this load too, it removes what the growth left
 * behind, a thousand contracts a second: seven times as many rows. At one block a second, and a rest.
 */
const WARM_UP_MS = 1_000 * (STATE_LIMITS.provenVersions + 12);

interface Watched {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly blocks: number;
  readonly bills: number;
  readonly heartbeats: number;
}

async function watch(chain: RunningChain, ledger: GrownLedger): Promise<Watched> {
  const { machines } = ledger;
  let next = 0;
  let heartbeats = 0;
  const failed = Promise.withResolvers<never>();
  const beginMs = performance.now();
  // As many as the time asks for: a timer that comes late drops none.
  const beats = setInterval(() => {
    for (; next < ((performance.now() - beginMs) * nodes) / HEARTBEAT_MS; next += 1) {
      const machine = machines[next % nodes] as Sender;
      heartbeats += 1;
      submit(chain, machine, [ledger.heartbeatOf(machine)]).catch(failed.reject);
    }
  }, HEARTBEAT_MS / nodes);
  let blocks = 0;
  let bills = 0;
  const stop = chain.engine.onBlock(({ eventsJson = "" }) => {
    blocks += 1;
    bills += eventsJson.split('"contracts.billed"').length - 1;
  });
  const pause = (ms: number): Promise<unknown> => Promise.race([new Promise((resolve) => setTimeout(resolve, ms)), failed.promise]);
  try {
    await pause(WARM_UP_MS);
    [blocks, bills, heartbeats] = [0, 0, 0];
    const cpu = process.cpuUsage();
    const from = performance.now();
    await pause(seconds * 1_000);
    const { user, system } = process.cpuUsage(cpu);
    return { cpuMs: (user + system) / 1_000, wallMs: performance.now() - from, blocks, bills, heartbeats };
  } finally {
    stop();
    clearInterval(beats);
  }
}

const { folder, ledger } = await workOnGrown({ contracts, nodes });
try {
  ledger.clock.letGo();
  const running = await ledger.start();
  ledger.readAccounts(running);
  const { cpuMs, wallMs, blocks, bills, heartbeats } = await watch(running, ledger);
  const memoryBytes = statusBytes(process.pid, "RssAnon");
  await running.stop();
  const perSecond = (count: number): number => Math.round((count / wallMs) * 10_000) / 10;
  const figures = {
    contracts,
    nodes,
    "bills a second": perSecond(bills),
    "heartbeats a second": perSecond(heartbeats),
    "blocks a second": perSecond(blocks),
    "processor time, % of one processor": Math.round((cpuMs / wallMs) * 1_000) / 10,
    "memory without the mapped file, MB": Math.round(memoryBytes / 1e6),
  };
  report({ name: "ledger-load", figures });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
