/** The parts around the application: home files, submissions, headers, liveness. */
import { readFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type GridError, type Hex, silentLogger } from "@tfgrid/primitives";
import { describe, expect, it } from "vitest";
import { BlockStore } from "../../src/engines/block-store.ts";
import { cometErrors } from "../../src/engines/cometbft/errors.ts";
import { Headers } from "../../src/engines/cometbft/headers.ts";
import { type CometHomeOptions, cometHome, nodeIdOf, writeHome } from "../../src/engines/cometbft/home.ts";
import { Liveness } from "../../src/engines/cometbft/liveness.ts";
import { type CometProcess, endLeftover, startCometProcess } from "../../src/engines/cometbft/process.ts";
import type { BroadcastAnswer, CometStatus } from "../../src/engines/cometbft/rpc.ts";
import { Submissions } from "../../src/engines/cometbft/submissions.ts";
import type { TxResult } from "../../src/engines/index.ts";
import { COMET_LIMITS } from "../../src/limits.ts";
import { memoryStorage } from "../../src/state/index.ts";
import { testKey } from "../../src/testing.ts";

class ManualClock implements Clock {
  now = 1_000_000;
  nowMs(): number {
    return this.now;
  }
  sleep(): Promise<void> {
    return Promise.resolve();
  }
}

describe("the home folder", () => {
  // Keys and names that `cometbft init` of 0.38.25 made.
  const VALIDATOR = { address: "805CDD2E23597541CC928312C41036230ECB4FCF", key: "iZG+dSBpal5+LartMLLj1TFtCzU2B4N1TWQlv/WFops=", secret: "32TLXRX60nNLI7DHe5Zw16Sup+GBmiFE3GT6+7qkgYOJkb51IGlqXn4tqu0wsuPVMW0LNTYHg3VNZCW/9YWimw==" };
  const VALIDATOR_SEED = Buffer.from(VALIDATOR.secret, "base64").subarray(0, 32);
  const options: CometHomeOptions = {
    genesis: { chainId: "home-chain", genesisHash: "ab".repeat(32) as Hex, timeMs: 1_700_000_000_123, validators: [{ publicKey: testKey("v").account, power: 7 }] },
    validatorSeed: VALIDATOR_SEED,
    nodeSeed: testKey("node").secretSeed,
    settings: { p2pListen: "tcp://127.0.0.1:1", peers: ["a@b:1", "c@d:2"], moniker: 'quo"ted' },
  };
  const textOf = (path: string, from = cometHome(options)): string => from.find((file) => file.path === path)?.text ?? "";

  it("has keys in the form that cometbft reads", () => {
    const { address, key, secret } = VALIDATOR;
    expect(JSON.parse(textOf("config/priv_validator_key.json"))).toEqual({
      address,
      pub_key: { type: "tendermint/PubKeyEd25519", value: key },
      priv_key: { type: "tendermint/PrivKeyEd25519", value: secret },
    });
    expect(nodeIdOf(VALIDATOR_SEED)).toBe(address.toLowerCase());
  });

  it("has a genesis that carries the hash of ours", () => {
    expect(JSON.parse(textOf("config/genesis.json"))).toMatchObject({
      genesis_time: "2023-11-14T22:13:20.123Z",
      chain_id: "home-chain",
      initial_height: "1",
      app_state: { genesisHash: "ab".repeat(32) },
      validators: [{ power: "7" }],
    });
  });

  it("opens nothing that strangers could use", () => {
    const config = textOf("config/config.toml");
    for (const line of ["unsafe = false", 'pprof_laddr = ""', "prometheus = false", 'grpc_laddr = ""', 'persistent_peers = "a@b:1,c@d:2"', 'moniker = "quo\\"ted"', 'create_empty_blocks_interval = "1000ms"']) expect(config).toContain(line);
    // Given at each start, so that an old file cannot open them.
    expect(config).not.toMatch(/proxy_app|\[rpc\][^[]*\nladdr/);
  });

  it("is written so that keys and the validator's memory are never lost, and only their owner reads them", () => {
    const home = mkdtempSync(join(tmpdir(), "tfgrid-home-"));
    try {
      writeHome(home, cometHome(options));
      const memory = join(home, "data/priv_validator_state.json");
      writeFileSync(memory, '{"height":"9"}');
      writeHome(home, cometHome({ ...options, validatorSeed: testKey("other").secretSeed, settings: { ...options.settings, peers: [] } }));
      expect(readFileSync(memory, "utf8")).toBe('{"height":"9"}');
      expect(readFileSync(join(home, "config/priv_validator_key.json"), "utf8")).toContain(VALIDATOR.address);
      expect(readFileSync(join(home, "config/config.toml"), "utf8")).toContain('persistent_peers = ""');
      for (const file of ["config/priv_validator_key.json", "config/node_key.json", "data/priv_validator_state.json"]) expect(statSync(join(home, file)).mode & 0o077).toBe(0);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});

describe("the child process", () => {
  /** Stands for cometbft: a script that gets the same arguments. */
  async function withProgram(script: string, check: (parts: { start: (onExit?: (error: Error) => void) => Promise<CometProcess>; home: string }) => Promise<void>): Promise<void> {
    const home = mkdtempSync(join(tmpdir(), "tfgrid-process-"));
    const binary = join(home, "program");
    writeFileSync(binary, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
    const address = { kind: "unix", path: join(home, "x.sock") } as const;
    const start = (onExit: (error: Error) => void = () => undefined) => startCometProcess({ binary, home, abci: address, rpc: address, logger: silentLogger, onExit });
    try {
      await check({ start, home });
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  }
  async function failureOf(start: (onExit: (error: Error) => void) => Promise<CometProcess>): Promise<{ error: Error; process: CometProcess }> {
    const failed = Promise.withResolvers<Error>();
    const process = await start(failed.resolve);
    return { error: await failed.promise, process };
  }

  it("tells its last words when it ends by itself", async () => {
    await withProgram('echo "no space left"; exit 3', async ({ start }) => {
      const { error, process } = await failureOf(start);
      expect(error).toMatchObject({ code: "cometbft.ended", message: expect.stringMatching(/ended with 3: no space left/) as unknown });
      await process.stop();
    });
  });

  it("that lives on without consensus counts as failed", async () => {
    await withProgram('echo "E[12:00] CONSENSUS FAILURE!!! err=wrong hash"; exec sleep 60', async ({ start }) => {
      const { error, process } = await failureOf(start);
      expect(error).toMatchObject({ code: "cometbft.consensus_failed", message: expect.stringContaining("wrong hash") as unknown });
      await process.stop();
    });
  });

  it("of a killed chain is waited for before another one starts", async () => {
    await withProgram("sleep 0.4", async ({ start, home }) => {
      const began = performance.now();
      await start();
      await endLeftover(home, silentLogger);
      expect(performance.now() - began).toBeGreaterThan(350);
      // Nothing of it is left to wait for, also when its number is somebody else's by now.
      writeFileSync(join(home, "cometbft.pid"), String(process.pid));
      await endLeftover(home, silentLogger);
    });
  });

  it("that cannot be started at all has a code too", async () => {
    await withProgram("exit 0", async ({ home }) => {
      const address = { kind: "unix", path: join(home, "x.sock") } as const;
      const missing = { binary: join(home, "missing"), home, abci: address, rpc: address, logger: silentLogger, onExit: () => undefined };
      await expect(startCometProcess(missing)).rejects.toThrow(expect.objectContaining({ code: "cometbft.ended" }));
    });
  });
});

describe("submissions", () => {
  const hash = (name: string): Hex => Buffer.from(name).toString("hex").padEnd(64, "0") as Hex;
  const resultOf = (name: string): TxResult => ({ hash: hash(name), ok: true }) as TxResult;
  const codeOf = (promise: Promise<unknown>): Promise<string> => promise.then(() => "answered", (error: GridError) => error.code);

  function setUp(answer: (tx: string) => BroadcastAnswer = () => ({ kind: "taken" })) {
    const clock = new ManualClock();
    const requests: string[][] = [];
    const state: { standstill: GridError | undefined; gate: Promise<void> } = { standstill: undefined, gate: Promise.resolve() };
    const broadcast = async (txs: readonly Uint8Array[]): Promise<readonly BroadcastAnswer[]> => {
      requests.push(txs.map((tx) => Buffer.from(tx).toString()));
      await state.gate;
      return txs.map((tx) => answer(Buffer.from(tx).toString()));
    };
    const submissions = new Submissions({ rpc: { broadcast }, clock, logger: silentLogger, standstill: () => state.standstill });
    return { clock, requests, state, submissions, submit: (name: string) => submissions.submit(hash(name), Buffer.from(name)) };
  }

  it("go to cometbft in order, what comes meanwhile in the next request, and are answered by the block", async () => {
    const { requests, submissions, submit, state } = setUp();
    const gate = Promise.withResolvers<void>();
    state.gate = gate.promise;
    const first = [submit("a"), submit("b")];
    await expect.poll(() => requests.length).toBe(1);
    const later = [submit("c"), submit("d"), submit("a")];
    gate.resolve();
    await expect.poll(() => requests).toEqual([["a", "b"], ["c", "d"]]);
    submissions.committed(["a", "b", "c", "d"].map(resultOf));
    expect((await Promise.all([...first, ...later])).map((result) => result.hash)).toEqual(["a", "b", "c", "d", "a"].map(hash));
    expect(submissions.size).toBe(0);
  });

  it("end with the ledger's own code when CheckTx refuses, and with a code of cometbft's when it takes nothing", async () => {
    const answers: Record<string, BroadcastAnswer> = { full: { kind: "full" }, odd: { kind: "failed", message: "no" }, known: { kind: "known" } };
    const { submissions, submit } = setUp((tx) => answers[tx] ?? { kind: "taken" });
    const [full, odd, known, refused] = ["full", "odd", "known", "refused"].map((name) => codeOf(submit(name)));
    submissions.refused(hash("refused"), cometErrors.fail("chain.not_yet_included"));
    expect([await full, await odd, await refused]).toEqual(["mempool.full", "cometbft.not_answering", "chain.not_yet_included"]);
    submissions.committed([resultOf("known")]);
    expect(await known).toBe("answered");
  });

  it("are handed over again when nothing is heard, and given up in the end", async () => {
    const { clock, requests, submissions, submit } = setUp();
    const waiting = codeOf(submit("a"));
    await expect.poll(() => requests.length).toBe(1);
    submissions.sweep();
    expect(requests).toHaveLength(1);
    clock.now += COMET_LIMITS.rebroadcastMs;
    submissions.sweep();
    await expect.poll(() => requests.length).toBe(2);
    clock.now += COMET_LIMITS.submitTimeoutMs;
    submissions.sweep();
    expect(await waiting).toBe("chain.not_yet_included");
  });

  it("are refused at once while the chain stands still, and say so when it came to stand meanwhile", async () => {
    const { clock, submissions, submit, state } = setUp();
    const waiting = codeOf(submit("a"));
    state.standstill = cometErrors.fail("chain.no_quorum");
    expect(() => submit("b")).toThrow(expect.objectContaining({ code: "chain.no_quorum" }));
    clock.now += COMET_LIMITS.submitTimeoutMs;
    submissions.sweep();
    expect(await waiting).toBe("chain.no_quorum");
  });

  it("are bounded in number, and end with the engine", async () => {
    const { submissions, submit } = setUp();
    const all = Array.from({ length: COMET_LIMITS.waiting }, (_, index) => codeOf(submit(String(index))));
    expect(() => submit("one more")).toThrow(expect.objectContaining({ code: "mempool.full" }));
    submissions.stop();
    expect(new Set(await Promise.all(all))).toEqual(new Set(["chain.stopped"]));
    expect(() => submit("late")).toThrow(expect.objectContaining({ code: "chain.stopped" }));
  });
});

describe("liveness", () => {
  const status = (more: Partial<CometStatus> = {}): CometStatus => ({ height: 5, firstHeight: 1, catchingUp: false, nodeId: "n", peers: 3, ...more });

  it("tells a chain that stands still from one that catches up, and forgets both with the next block", async () => {
    const clock = new ManualClock();
    const comet = { now: status({ catchingUp: true }) };
    const liveness = new Liveness({ rpc: { status: () => Promise.resolve(comet.now) }, clock, logger: silentLogger, onLook: () => undefined });
    await liveness.answering(() => 0, () => undefined);
    expect(liveness.standstill()?.code).toBe("chain.catching_up");
    comet.now = status();
    await liveness.answering(() => 0, () => undefined);
    expect(liveness.standstill()).toBeUndefined();
    const since = clock.now;
    clock.now += COMET_LIMITS.stallMs;
    expect(liveness.view()).toEqual({ catchingUp: false, peers: 3, stalledSinceMs: since });
    expect(liveness.standstill()?.code).toBe("chain.no_quorum");
    liveness.onBlock();
    expect(liveness.standstill()).toBeUndefined();
    liveness.stop();
  });

  it("gives up on a cometbft that never answers, but not while it replays blocks", async () => {
    const clock = new ManualClock();
    let asked = 0;
    const silent = () => {
      asked += 1;
      clock.now += 10_000;
      return Promise.reject(cometErrors.fail("cometbft.not_answering"));
    };
    const liveness = new Liveness({ rpc: { status: silent }, clock, logger: silentLogger, onLook: () => undefined });
    await expect(liveness.answering(() => Math.min(asked, 20), () => undefined)).rejects.toThrow(expect.objectContaining({ code: "cometbft.not_answering" }));
    expect(asked).toBeGreaterThan(20);
    expect(asked).toBeLessThan(40);
    const ended = cometErrors.fail("cometbft.ended");
    await expect(liveness.answering(() => 0, () => ({ error: ended }))).rejects.toBe(ended);
  });
});

describe("headers", () => {
  it("are waited for, but not longer than asked, and end with the engine", async () => {
    const headers = new Headers({ rpc: { commits: () => Promise.resolve([undefined]), validators: () => Promise.resolve([]) }, blocks: new BlockStore(memoryStorage(), 100), logger: silentLogger });
    headers.begin(3, 0);
    expect(headers.latest).toBeUndefined();
    await headers.reached(4, 1);
    const waiting = headers.reached(4, 60_000);
    headers.stop();
    await waiting;
    expect(headers.take()).toEqual([]);
  });
});
