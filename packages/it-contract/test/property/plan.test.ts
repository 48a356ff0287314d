import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Service, SolutionDocument } from "@tfgrid/notary";
import { addResources, type ContractId, fits, NO_RESOURCES, subtractResources } from "@tfgrid/primitives";
import { type Farm, type Node, runtime } from "@tfgrid/tfchain";
import { type CurrentPart, describePlan, type Plan, plan, type PlanInput } from "../../src/index.ts";

const GIB = 2 ** 30;
const PRICING = runtime.DEFAULT_PRICING;

function node(id: number, over: Partial<Node> = {}): Node {
  return {
    id: id as Node["id"],
    farmId: 1 as Node["farmId"],
    twinId: (100 + id) as Node["twinId"],
    total: { cpuMilli: 4_000, memoryBytes: 4 * GIB, ssdBytes: 40 * GIB, hddBytes: 0 },
    reserved: NO_RESOURCES,
    location: { country: "Belgium", city: "", latitudeMicro: 0, longitudeMicro: 0 },
    interfaces: [],
    meshKey: "00".repeat(32) as Node["meshKey"],
    meshEndpoints: [],
    isolation: ["container"],
    softwareVersion: "1",
    certification: "diy",
    maintenance: { mode: "none", sinceMs: 0, noticeUntilMs: 0 },
    up: true,
    lastHeartbeatMs: 0,
    upChangedMs: 0,
    uptimeSec: 0,
    createdAtMs: 0,
    ...over,
  };
}

const FARM: Farm = { id: 1 as Farm["id"], twinId: 1 as Farm["twinId"], name: "farm", dedicated: false, certification: "not_certified", publicIps: [], createdAtMs: 0 };

function service(name: string, over: Partial<Service> = {}): Service {
  return {
    name,
    image: { reference: name, digest: `sha256:${"0".repeat(64)}` },
    entrypoint: [],
    command: [],
    environment: {},
    user: "",
    workingDir: "",
    mounts: [],
    resources: { cpuMilli: 500, memoryBytes: GIB / 2, pids: 10, rootfsBytes: GIB },
    restart: { condition: "any", delayMs: 0, maxAttempts: 0, windowMs: 0 },
    healthcheck: null,
    stopSignal: "",
    stopGraceMs: 0,
    readOnlyRootfs: false,
    isolation: "container",
    hostname: "",
    networks: [{ name: "default", aliases: [] }],
    configs: [],
    secrets: [],
    dependsOn: [],
    replicas: 1,
    update: { parallelism: 1, delayMs: 0, order: "start-first", failureAction: "pause", monitorMs: 0 },
    placement: { countries: [], certifiedOnly: false, minReputation: 0, farmIds: [], nodeIds: [], spread: "none" },
    onNodeLoss: "replace",
    labels: {},
    ...over,
  };
}

function document(services: readonly Service[], over: Partial<SolutionDocument> = {}): SolutionDocument {
  return {
    kind: "solution/v1",
    name: "app",
    version: 1,
    services,
    networks: [{ name: "default", cidr: "10.64.0.0/16", internal: false }],
    volumes: [{ name: "data", sizeBytes: GIB, kind: "ssd" }],
    configs: [],
    secrets: [],
    ingress: [],
    budgetPerHourUnits: 10n ** 12n,
    agentTwinId: 9 as SolutionDocument["agentTwinId"],
    signers: [{ twinId: 1 as SolutionDocument["agentTwinId"], weight: 1 }],
    thresholds: { provision: 1, amend: 1, delete: 1 },
    ...over,
  };
}

const input = (nodes: readonly Node[], doc: SolutionDocument, over: Partial<PlanInput> = {}): PlanInput => ({
  document: doc,
  nodes,
  farms: [FARM],
  pricing: PRICING,
  current: { parts: [], names: [] },
  ...over,
});

/** The ledger after the plan was carried out: contracts exist and their resources are reserved. */
function carriedOut(before: PlanInput, made: Plan): PlanInput {
  const held = new Map(before.current.parts.map((part) => [part.nodeId, part.resources]));
  const parts = made.parts.map((part, index): CurrentPart => ({ ...part, contractId: part.contractId ?? ((1000 + index) as ContractId) }));
  const nodes = before.nodes.map((item) => {
    const others = subtractResources(item.reserved, held.get(item.id) ?? NO_RESOURCES);
    return { ...item, reserved: addResources(others, parts.find((part) => part.nodeId === item.id)?.resources ?? NO_RESOURCES) };
  });
  const names = made.names.map((name, index) => ({ contractId: name.contractId ?? ((5000 + index) as ContractId), name: name.name, gatewayNodeId: name.gatewayNodeId }));
  return { ...before, nodes, current: { parts, names } };
}

function must(result: ReturnType<typeof plan>): Plan {
  if (!result.ok) throw new Error(result.problems.map((problem) => problem.message).join("; "));
  return result.plan;
}

const whereIs = (made: Plan): Record<string, number> => Object.fromEntries(made.parts.flatMap((part) => part.zmachines.map((zmachine) => [zmachine.name, part.nodeId])));

const nodesArb = fc.array(
  fc.record({
    memory: fc.integer({ min: 0, max: 8 }),
    cpu: fc.integer({ min: 0, max: 8_000 }),
    up: fc.boolean(),
    cordoned: fc.boolean(),
    gateway: fc.boolean(),
    reserved: fc.integer({ min: 0, max: 4 }),
  }),
  { minLength: 1, maxLength: 8 },
);
const servicesArb = fc.array(fc.record({ replicas: fc.integer({ min: 0, max: 5 }), memory: fc.integer({ min: 1, max: 8 }), volume: fc.boolean(), spread: fc.constantFrom("none", "node") }), {
  minLength: 1,
  maxLength: 4,
});

const worldArb = fc.tuple(nodesArb, servicesArb).map(([nodes, services]) => {
  const all = nodes.map((item, index) => {
    const total = { cpuMilli: item.cpu, memoryBytes: item.memory * GIB, ssdBytes: 20 * GIB, hddBytes: 0 };
    const reserved = { ...NO_RESOURCES, memoryBytes: Math.min(item.reserved, item.memory) * GIB };
    return node(index + 1, {
      total,
      reserved,
      up: item.up,
      maintenance: { mode: item.cordoned ? "cordon" : "none", sinceMs: 0, noticeUntilMs: 0 },
      ...(item.gateway ? { publicConfig: { domain: "gw.example.org" } } : {}),
    });
  });
  const list = services.map((item, index) =>
    service(`s${index}`, {
      replicas: item.replicas,
      resources: { cpuMilli: 250, memoryBytes: (item.memory * GIB) / 4, pids: 1, rootfsBytes: GIB },
      placement: { ...service("x").placement, spread: item.spread as "none" | "node" },
      ...(item.volume ? { mounts: [{ type: "volume", source: "data", target: "/d", readOnly: false, sizeBytes: 0 }], onNodeLoss: "wait" } : {}),
    }),
  );
  const ingress = services[0]?.replicas === 0 ? [] : [{ service: "s0", port: 80, name: "app", network: "default", tls: "both" as const }];
  return input(all, document(list, { ingress }));
});

function checkSound(given: PlanInput, made: Plan): void {
  const indexes = new Map<string, number>();
  const ips = new Set<string>();
  for (const part of made.parts) {
    const at = given.nodes.find((item) => item.id === part.nodeId)!;
    const own = given.current.parts.find((item) => item.nodeId === part.nodeId)?.resources ?? NO_RESOURCES;
    expect(fits(part.resources, subtractResources(at.total, subtractResources(at.reserved, own)))).toBe(true);
    expect(part.contractId !== null || (at.up && at.maintenance.mode === "none")).toBe(true);
    for (const network of part.networks) {
      const key = `${network.name}/${network.subnetIndex}`;
      expect(indexes.get(key) ?? part.nodeId).toBe(part.nodeId);
      indexes.set(key, part.nodeId);
    }
    for (const zmachine of part.zmachines)
      for (const { name, ip } of zmachine.networks) {
        expect(ips.has(`${name}/${ip}`)).toBe(false);
        ips.add(`${name}/${ip}`);
        expect(ip.split(".")[2]).toBe(String(part.networks.find((network) => network.name === name)?.subnetIndex));
      }
  }
  const homes = new Set(made.parts.filter((part) => part.volumes.length > 0).map((part) => part.nodeId));
  expect(homes.size).toBeLessThanOrEqual(1);
}

describe("the planner", () => {
  it("never exceeds capacity, gives every address once, and answers the same for the same input", () => {
    fc.assert(
      fc.property(worldArb, (given) => {
        const result = plan(given);
        expect(plan(given)).toEqual(result);
        expect(plan({ ...given, nodes: [...given.nodes].reverse() })).toEqual(result);
        if (!result.ok) return result.problems.length > 0;
        checkSound(given, result.plan);
        for (const item of given.document.services) {
          const placed = result.plan.parts.flatMap((part) => part.zmachines.filter((zmachine) => zmachine.service === item.name).map(() => part.nodeId));
          expect(placed).toHaveLength(item.replicas);
          const spread = item.placement.spread === "node" && item.mounts.length === 0;
          expect(new Set(placed).size).toBeGreaterThanOrEqual(spread ? placed.length : Math.min(placed.length, 1));
        }
        return true;
      }),
      { numRuns: 300 },
    );
  });

  it("keeps everything where it is when nothing changed, and what can stay when a node is lost or the count changes", () => {
    fc.assert(
      fc.property(worldArb, fc.nat(), fc.integer({ min: -2, max: 2 }), (given, which, delta) => {
        const first = plan(given);
        if (!first.ok) return;
        const after = carriedOut(given, first.plan);
        const again = must(plan(after));
        expect(whereIs(again)).toEqual(whereIs(first.plan));
        expect(again.cancels).toEqual([]);
        expect(again.parts.map((part) => part.networks)).toEqual(first.plan.parts.map((part) => part.networks));

        const lost = after.nodes[which % after.nodes.length]!.id;
        const services = after.document.services.map((item) => ({ ...item, replicas: Math.max(0, item.replicas + delta) }));
        const changed: PlanInput = { ...after, document: { ...after.document, services }, nodes: after.nodes.map((item) => (item.id === lost ? { ...item, up: false } : item)) };
        const result = plan(changed);
        if (!result.ok) return;
        checkSound(changed, result.plan);
        const now = whereIs(result.plan);
        for (const [name, at] of Object.entries(whereIs(first.plan))) expect(now[name] ?? at).toBe(at);
      }),
      { numRuns: 300 },
    );
  });

  it("costs what the ledger will bill", () => {
    fc.assert(
      fc.property(worldArb, (given) => {
        const result = plan(given);
        if (!result.ok) return;
        const bill = result.plan.parts.map((part) => runtime.nodeCostPerHour({ pricing: PRICING, resources: part.resources, publicIps: 0, certified: false }));
        const names = BigInt(result.plan.names.length) * runtime.nameCostPerHour(PRICING);
        expect(result.plan.costPerHourUnits).toBe(bill.reduce((sum, cost) => sum + cost, names));
      }),
    );
  });
});

describe("what farms ask for", () => {
  const terms = (computePercent: number) => ({ computePercent, ipv4Percent: 100, trafficPercent: 100, rentDiscountPercent: null });
  const farms: readonly Farm[] = [
    { ...FARM, pricing: { terms: terms(100), next: { terms: terms(120), fromMs: 1 } } },
    { ...FARM, id: 2 as Farm["id"], pricing: { terms: terms(80), next: null } },
  ];
  const doc = document([service("a", { replicas: 1 })]);
  const list = (resources: PlanInput["nodes"][number]["total"]): bigint => runtime.nodeCostPerHour({ pricing: PRICING, resources, publicIps: 0, certified: false });

  it("is what the plan costs, what is announced included; the cheaper node comes first", () => {
    const cheap = node(2, { farmId: 2 as Farm["id"] });
    const [part] = must(plan(input([node(1), cheap], doc, { farms }))).parts;
    expect(part).toMatchObject({ nodeId: 2, costPerHourUnits: (list(part!.resources) * 80n) / 100n });
    const [dear] = must(plan(input([node(1)], doc, { farms }))).parts;
    expect(dear?.costPerHourUnits).toBe((list(dear!.resources) * 120n) / 100n);
    // Certified costs a quarter more: 100 x 125 is dearer than 120.
    const certified = node(2, { farmId: 3 as Farm["id"], certification: "certified" });
    expect(must(plan(input([node(1), certified], doc, { farms }))).parts[0]?.nodeId).toBe(1);
  });

  it("a node that sleeps, or is about to, gets nothing", () => {
    const power = (state: "up" | "down", target: "up" | "down") => ({ up: state === "up", power: { state, target, targetSinceMs: 0, stateSinceMs: 0 } });
    const nodes = [node(1, power("down", "down")), node(2, power("up", "down")), node(3, power("down", "up"))];
    expect(plan(input(nodes, doc))).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining("3 asleep") as string }] });
    expect(must(plan(input([...nodes, node(4, power("up", "up"))], doc))).parts[0]?.nodeId).toBe(4);
  });
});

describe("reasons", () => {
  const big = service("db", { resources: { cpuMilli: 100, memoryBytes: 8 * GIB, pids: 1, rootfsBytes: GIB }, placement: { ...service("x").placement, countries: ["belgium"] } });
  it("count what excluded each node", () => {
    const nodes = [node(1), node(2, { up: false }), node(3, { location: { ...node(3).location, country: "France" } }), node(4, { total: { ...node(4).total, memoryBytes: 2 * GIB } })];
    const result = plan(input(nodes, document([big])));
    expect(result).toMatchObject({ ok: false, problems: [{ code: "it_contract.no_capacity" }] });
    expect(result.ok ? "" : result.problems[0]?.message).toBe(
      "No node has room for db (0.1 cores and 8 GiB of memory) in belgium: 4 nodes known, 2 without free memory, 1 down, 1 in other countries; 2 otherwise suitable, largest free memory 4 GiB.",
    );
  });

  it.each([
    ["certified", { certifiedOnly: true }, /not certified/],
    ["farms", { farmIds: [7 as Farm["id"]] }, /of other farms/],
    ["nodes", { nodeIds: [7 as Node["id"]] }, /not among the nodes named/],
    ["reputation", { minReputation: 500 }, /too little reputation/],
  ])("name %s", (_name, placement, message) => {
    const result = plan(input([node(1)], document([service("a", { placement: { ...service("x").placement, ...placement } })])));
    expect(result.ok ? "" : result.problems[0]?.message).toMatch(message);
  });

  it("takes nodes of enough reputation, keeps what runs while it falls a little, moves it when it falls more", () => {
    const doc = document([service("a", { placement: { ...service("x").placement, minReputation: 600 } })]);
    const scores = (first: number, second: number) => ({ reputation: new Map([[1, first], [2, second]] as [Node["id"], number][]) });
    const before = input([node(1), node(2)], doc, scores(700, 599));
    const made = must(plan(before));
    expect(made.parts.map(({ nodeId }) => nodeId)).toEqual([1]);
    const after = carriedOut(before, made);
    expect(must(plan({ ...after, ...scores(551, 900) })).parts.map(({ nodeId }) => nodeId)).toEqual([1]);
    expect(must(plan({ ...after, ...scores(549, 900) })).parts.map(({ nodeId }) => nodeId)).toEqual([2]);
    expect(plan(input([node(1)], doc))).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining("1 of too little reputation") as string }] });
  });

  it("leaves nodes that others rent alone, and prefers those that the owner rents: they cost nothing more", () => {
    const [owner, other] = [1 as never, 2 as never];
    const rents = (twinId: never, paid = true) => ({ ownerTwinId: owner, rents: new Map([[2 as Node["id"], { twinId, paid }]]) });
    const doc = document([service("a", { replicas: 1 })]);
    // Without the rent node 1 would come first.
    expect(must(plan(input([node(1), node(2)], doc, rents(owner)))).parts).toMatchObject([{ nodeId: 2, costPerHourUnits: 0n }]);
    const beside = must(plan(input([node(1), node(2)], doc, rents(other)))).parts;
    expect(beside).toMatchObject([{ nodeId: 1 }]);
    expect(beside[0]?.costPerHourUnits).toBeGreaterThan(0n);
    const refusal = (over: Partial<PlanInput>): string => {
      const result = plan(input([node(2)], doc, over));
      return result.ok ? "" : (result.problems[0]?.message ?? "");
    };
    expect(refusal(rents(other))).toContain("1 rented by others");
    expect(refusal(rents(owner, false))).toContain("1 of a rent without money");
    // A rent opens a dedicated farm's node to its renter, and to nobody else.
    const farms = [{ ...FARM, dedicated: true }];
    expect(refusal({ farms })).toContain("1 of dedicated farms");
    expect(must(plan(input([node(2)], doc, { farms, ...rents(owner) }))).parts).toMatchObject([{ nodeId: 2 }]);
    const gateway = node(2, { publicConfig: { domain: "gw.example.org" } });
    const ingress = [{ service: "a", port: 80, name: "app", network: "default", tls: "both" as const }];
    expect(plan(input([node(1), gateway], document([service("a")], { ingress }), rents(other)))).toMatchObject({ ok: false, problems: [{ code: "it_contract.no_gateway" }] });
  });

  it("name the budget and the missing gateway", () => {
    expect(plan(input([node(1)], document([service("a")], { budgetPerHourUnits: 1n })))).toMatchObject({ ok: false, problems: [{ code: "it_contract.over_budget" }] });
    const ingress = [{ service: "a", port: 80, name: "app", network: "default", tls: "both" as const }];
    expect(plan(input([node(1)], document([service("a")], { ingress })))).toMatchObject({ ok: false, problems: [{ code: "it_contract.no_gateway" }] });
  });

  it("describe a plan in lines", () => {
    const lines = describePlan(must(plan(input([node(1), node(2)], document([service("web", { replicas: 2 })])))));
    expect(lines).toEqual([
      "app, version 1",
      expect.stringMatching(/^node 1 \(farm 1, Belgium\): 0.5 cores, 512 MiB memory, 1 GiB ssd, 0\.\d+ TFT\/h$/),
      "  create web-1 default 10.64.1.2",
      expect.stringMatching(/^node 2/),
      "  create web-2 default 10.64.2.2",
      expect.stringMatching(/^total 0\.\d+ TFT\/h of at most 100000 TFT\/h$/),
    ]);
  });
});
