/** What must hold for every plan, whatever the state of desired, actual and memory. */
import type { ContractId, SolutionId } from "@tfgrid/primitives";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planNode } from "../../src/provisioning/plan.ts";
import type { Actual, Desired, DesiredContract, Memory } from "../../src/provisioning/model.ts";
import { zmachineKey, znetKey } from "../../src/provisioning/keys.ts";
import { spec, volumeMount } from "../support/fixtures.ts";

const NOW = 1_000_000;
const contractIds = fc.subarray([1, 2, 3, 4] as ContractId[]);
const solutionOf = (id: ContractId): SolutionId => id as number as SolutionId;

const contract = (id: ContractId): fc.Arbitrary<DesiredContract> =>
  fc.record({ mode: fc.constantFrom("run" as const, "pause" as const), names: fc.uniqueArray(fc.constantFrom("web-1", "web-2", "db-1")), hash: fc.constantFrom("a", "b") }).map(({ mode, names, hash }) => ({
    contractId: id,
    solutionId: solutionOf(id),
    version: 1,
    mode,
    networks: [{ name: "default", cidr: "10.64.0.0/16", subnetIndex: 1, internal: false }],
    volumes: [{ name: "data", sizeBytes: 1024 * 1024, kind: "ssd" as const }],
    zmachines: names.map((name) => ({ key: zmachineKey(id, name), spec: spec(name, { mounts: [volumeMount("data")] }), specHash: hash })),
  }));

const status = fc.record({
  id: fc.constantFrom(1, 2, 3, 4),
  name: fc.constantFrom("web-1", "web-2", "db-1", "old-1"),
  specHash: fc.constantFrom("a", "b", "c"),
  state: fc.constantFrom("created" as const, "running" as const, "exited" as const),
  exitCode: fc.constantFrom(0, 1, undefined),
});

const world = contractIds.chain((wanted) =>
  fc.record({
    contracts: fc.tuple(...wanted.map(contract)),
    ended: contractIds.map((ids) => ids.filter((id) => !wanted.includes(id))),
    complete: fc.boolean(),
    statuses: fc.uniqueArray(status, { selector: ({ id, name }) => `${id}/${name}` }),
    volumes: fc.uniqueArray(fc.record({ id: fc.constantFrom(1, 2, 3, 4), name: fc.constantFrom("data", "other") }), { selector: ({ id, name }) => `${id}/${name}` }),
    znets: fc.subarray([1, 2, 3, 4, 5].map((id) => znetKey(id as SolutionId, "default"))),
    done: fc.boolean(),
  }),
);

type Sample = typeof world extends fc.Arbitrary<infer T> ? T : never;
function plan(sample: Sample) {
  const zmachines = sample.statuses.map(({ id, name, exitCode, ...rest }) => ({
    key: zmachineKey(id as ContractId, name),
    contractId: id as ContractId,
    startedAtMs: NOW - 5_000,
    ...rest,
    ...(exitCode === undefined ? {} : { exitCode }),
  }));
  const volumes = sample.volumes.map(({ id, name }) => ({ contractId: id as ContractId, name, sizeBytes: 1, usedBytes: 0, path: "" }));
  const actual: Actual = { zmachines, volumes, znets: sample.znets, attachments: zmachines.map(({ key }) => key) };
  const desired: Desired = { contracts: sample.contracts, ended: new Set(sample.ended), complete: sample.complete, remote: [] };
  const everything = { has: () => sample.done } as unknown as ReadonlySet<string>;
  const memory: Memory = { zmachines: new Map(), failures: new Map(), done: everything, inFlight: new Set() };
  return { desired, actual, result: planNode({ desired, actual, memory, nowMs: NOW }) };
}
const check = (property: (made: ReturnType<typeof plan>) => void): void => fc.assert(fc.property(world, (sample) => property(plan(sample))), { numRuns: 500 });

describe("every plan", () => {
  it("touches nothing of a contract that was not read", () =>
    check(({ desired, result }) => {
      const known = new Set([...desired.contracts.map(({ contractId }) => contractId), ...desired.ended]);
      expect(result.actions.filter(({ contractId }) => contractId !== undefined && !known.has(contractId))).toEqual([]);
      expect(result.actions.filter(({ type }) => type === "remove_znet" && !desired.complete)).toEqual([]);
    }));

  it("leaves alone what runs as it should", () =>
    check(({ desired, actual, result }) => {
      for (const { zmachines, mode } of desired.contracts.filter(({ mode }) => mode === "run")) {
        expect(mode).toBe("run");
        for (const { key, specHash } of zmachines) {
          const running = actual.zmachines.find((entry) => entry.key === key && entry.state === "running" && entry.specHash === specHash);
          expect(result.actions.filter((action) => running !== undefined && "key" in action && action.key === key)).toEqual([]);
        }
      }
    }));

  it("starts nothing before its volumes, networks and image are there, and nothing that is paused", () =>
    check(({ desired, actual, result }) => {
      const starts = result.actions.filter((action) => action.type === "start");
      for (const { contract: of } of starts) {
        expect(of.mode).toBe("run");
        expect(actual.znets).toContain(znetKey(of.solutionId, "default"));
        expect(actual.volumes.some(({ contractId, name }) => contractId === of.contractId && name === "data")).toBe(true);
      }
      const paused = desired.contracts.filter(({ mode }) => mode === "pause").map(({ contractId }) => contractId);
      expect(starts.filter(({ contract: of }) => paused.includes(of.contractId))).toEqual([]);
    }));

  it("never destroys a wanted volume, nor one that may be in use", () =>
    check(({ desired, actual, result }) => {
      for (const action of result.actions.filter((entry) => entry.type === "remove_volume")) {
        expect(desired.contracts.some((entry) => entry.contractId === action.contractId && entry.volumes.some(({ name }) => name === action.name))).toBe(false);
        const users = actual.zmachines.filter(({ contractId, state }) => contractId === action.contractId && state === "running");
        const wanted = desired.contracts.find(({ contractId }) => contractId === action.contractId);
        for (const user of users) expect(wanted?.zmachines.find(({ key }) => key === user.key)?.specHash).toBe(user.specHash);
      }
    }));

  it("takes at most one step per lane and step id", () =>
    check(({ result }) => {
      const lanes = result.actions.map(({ lane }) => lane);
      expect(new Set(lanes).size).toBe(lanes.length);
    }));

  it("replaces at most one running replica of a service at a time", () =>
    check(({ desired, actual, result }) => {
      for (const { contractId, zmachines, mode } of desired.contracts) {
        if (mode !== "run") continue;
        const stops = result.actions.filter((action) => action.type === "stop" && action.contractId === contractId && action.reason === "replaced");
        const services = stops.map((action) => zmachines.find(({ key }) => "key" in action && key === action.key)?.spec.service);
        expect(new Set(services).size).toBe(services.length);
        expect(actual.zmachines.length).toBeGreaterThanOrEqual(stops.length);
      }
    }));
});
