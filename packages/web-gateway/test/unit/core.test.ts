import { describe, expect, it } from "vitest";
import { parseDescription, parseMap, parseServersState, parseTraffic } from "../../src/core/answers.ts";
import { type ConfigInput, renderConfig, structureHash } from "../../src/core/config.ts";
import { placeRoutes, type Section, sectionName, sortRoutes } from "../../src/core/desired.ts";
import { mapCommands, mapsOf } from "../../src/core/maps.ts";
import { errorFile } from "../../src/core/pages.ts";
import { serverCommands } from "../../src/core/servers.ts";
import { GATEWAY_LIMITS } from "../../src/limits.ts";
import { routeStatus } from "../../src/status.ts";
import type { GatewayBackend, GatewayRoute } from "../../src/types.ts";

const backend = (id: string, change: Partial<GatewayBackend> = {}): GatewayBackend => ({ id, address: "10.1.2.3", port: 80, ...change });
const route = (host: string, change: Partial<GatewayRoute> = {}): GatewayRoute => ({
  host,
  tls: "both",
  backends: [backend("a")],
  ...change,
});
const all = (): boolean => true;
const input = (sections: readonly Section[], change: Partial<ConfigInput> = {}): ConfigInput => ({
  machine: "m",
  listen: { http: 80, https: 443, address: "*" },
  requestsPer10s: 100,
  sections,
  namespaceIds: new Map(),
  certificateId: "c",
  ...change,
});
const ids = (sections: readonly Section[]): (string | undefined)[] =>
  sections.flatMap(({ slots }) => slots.map((slot) => slot.backend?.id));

describe("routes are checked before they come near a configuration", () => {
  it.each([
    ["upper case", route("Web.example")],
    ["a blank", route("a b")],
    ["a line end", route("a\nglobal")],
    ["no address", route("a", { backends: [backend("x", { address: "a.example" })] })],
    ["an address with more behind it", route("a", { backends: [backend("x", { address: "10.0.0.1 check" })] })],
    ["no port", route("a", { backends: [backend("x", { port: 0 })] })],
    ["a namespace that is a path", route("a", { backends: [backend("x", { namespace: "../x" })] })],
    ["loopback in a private network", route("a", { backends: [backend("x", { address: "127.0.0.1", namespace: "z" })] })],
    ["a quote in the check's path", route("a", { checks: { type: "http", path: "/'x" } })],
    ["a blank in the check's path", route("a", { checks: { type: "http", path: "/ hdr x y" } })],
  ])("refuses %s", (_what, bad) => {
    const fine = route("fine", { backends: [backend("y")] });
    // Whoever else is served there is not held up.
    expect(sortRoutes([bad, fine])).toMatchObject({ good: [fine], refused: [{ host: bad.host, backends: 0, code: "gateway.invalid_route" }] });
  });
  it("refuses one host twice", () => {
    expect(sortRoutes([route("a"), route("a")])).toMatchObject({ good: [{ host: "a" }], refused: [{ host: "a", code: "gateway.duplicate_host" }] });
  });
  it("serves what is good of a route: other backends are left out and told", () => {
    const backends = [backend("x"), backend("x", { port: 81 }), backend("liar", { address: "127.0.0.1", namespace: "z" }), backend("y")];
    const { good, refused, leftOut } = sortRoutes([route("a", { backends })]);
    expect(good[0]?.backends).toEqual([backends[0], backends[3]]);
    expect([refused, leftOut.length, leftOut.join()]).toEqual([[], 2, expect.stringContaining("liar")]);
    const many = Array.from({ length: GATEWAY_LIMITS.maxBackendsPerRoute + 1 }, (_, index) => backend(`b${index}`));
    expect(sortRoutes([route("a", { backends: many })]).good[0]?.backends).toHaveLength(GATEWAY_LIMITS.maxBackendsPerRoute);
  });
  it("refuses what is beyond its bound, and serves the rest", () => {
    const routes = Array.from({ length: GATEWAY_LIMITS.maxRoutes + 1 }, (_, index) => route(`r${index}`));
    const { good, refused } = sortRoutes(routes);
    expect([good.length, refused.map(({ code }) => code)]).toEqual([GATEWAY_LIMITS.maxRoutes, ["gateway.too_many_routes"]]);
  });
});

describe("places", () => {
  it("keeps whoever stays in its place and gives free places to who comes", () => {
    const first = placeRoutes([route("a", { backends: ["x", "y", "z"].map((id) => backend(id)) })], [], all);
    expect(ids(first)).toEqual(["x", "y", "z", undefined]);
    const second = placeRoutes([route("a", { backends: ["n", "z", "x"].map((id) => backend(id)) })], first, all);
    expect(ids(second)).toEqual(["x", "n", "z", undefined]);
    expect(structureHash(input(second))).toBe(structureHash(input(first)));
  });
  it("needs a reload only when the places run out, a route comes or goes, or a network is another one", () => {
    const first = placeRoutes([route("a", { backends: [backend("x", { namespace: "z1" })] })], [], all);
    const hash = structureHash(input(first, { namespaceIds: new Map([["z1", "7"]]) }));
    const grown = placeRoutes(
      [route("a", { backends: Array.from({ length: 5 }, (_none, at) => backend(`b${at}`, { namespace: "z1" })) })],
      first,
      all,
    );
    expect(ids(grown)).toHaveLength(8);
    expect(structureHash(input(grown, { namespaceIds: new Map([["z1", "7"]]) }))).not.toBe(hash);
    expect(structureHash(input(first, { namespaceIds: new Map([["z1", "8"]]) }))).not.toBe(hash);
    const elsewhere = placeRoutes([route("a", { backends: [backend("x", { namespace: "z1", address: "10.9.9.9" })] })], first, all);
    expect(structureHash(input(elsewhere, { namespaceIds: new Map([["z1", "7"]]) }))).toBe(hash);
    expect(structureHash(input(placeRoutes([route("a"), route("b")], first, all)))).not.toBe(hash);
  });
  it("leaves out what lies in a network that is not there", () => {
    const sections = placeRoutes([route("a", { backends: [backend("x", { namespace: "gone" })] })], [], () => false);
    expect(renderConfig(input(sections))).not.toContain("gone");
    expect(routeStatus(sections[0] as Section, new Map())).toMatchObject({ backends: 0, code: "gateway.namespace_missing" });
  });
  it("serves one route from two networks with overlapping addresses", () => {
    const sections = placeRoutes(
      [route("a", { backends: [backend("x", { namespace: "z1" }), backend("y", { namespace: "z2" })] })],
      [],
      all,
    );
    const config = renderConfig(input(sections));
    expect(config).toMatch(/server n\w+s1 10\.1\.2\.3:80 namespace z1\n/);
    expect(config).toMatch(/server n\w+s1 10\.1\.2\.3:80 namespace z2\n/);
  });
});

describe("commands", () => {
  const state = (up: boolean, maintenance: boolean, address = "10.1.2.3", port = 80) => ({ up, maintenance, address, port });
  const [section] = placeRoutes([route("a", { backends: [backend("x"), backend("y", { address: "10.1.2.4" })] })], [], all) as [Section];
  const at = (slot: string): string => `${section.name}/${slot}`;

  it("says nothing when all is as wanted", () => {
    const actual = new Map([
      [at("s1"), state(true, false)],
      [at("s2"), state(false, false, "10.1.2.4")],
      [at("s3"), state(false, true, "192.0.2.1", 9)],
      [at("s4"), state(false, true, "192.0.2.1", 9)],
    ]);
    expect(serverCommands([section], actual)).toEqual([]);
  });
  it("takes a server out before its address changes", () => {
    const actual = new Map([
      [at("s1"), state(true, false, "10.9.9.9")],
      [at("s2"), state(false, true, "192.0.2.1", 9)],
      [at("s3"), state(true, false)],
      [at("s4"), state(false, true)],
    ]);
    expect(serverCommands([section], actual)).toEqual([
      `set server ${at("s1")} state maint`,
      `set server ${at("s1")} addr 10.1.2.3 port 80`,
      `set server ${at("s1")} state ready`,
      `set server ${at("s1")} health up`,
      `set server ${at("s2")} addr 10.1.2.4 port 80`,
      `set server ${at("s2")} state ready`,
      `set server ${at("s2")} health up`,
      `set server ${at("s3")} state maint`,
    ]);
  });
  it("changes maps by the difference", () => {
    const wanted = mapsOf(placeRoutes([route("a"), route("b", { tls: "redirect" }), route("c", { tls: "passthrough" })], [], all));
    expect([...wanted.hosts.keys()]).toEqual(["a", "b"]);
    expect([...wanted.redirect.keys()]).toEqual(["b", "c"]);
    expect([...wanted.passthrough]).toEqual([["c", sectionName("c")]]);
    const actual = new Map([
      ["a", "other"],
      ["old", "x"],
    ]);
    expect(mapCommands("./hosts.map", wanted.hosts, actual)).toEqual([
      `set map ./hosts.map a ${sectionName("a")}`,
      `add map ./hosts.map b ${sectionName("b")}`,
      "del map ./hosts.map old",
    ]);
  });
});

describe("HAProxy's answers", () => {
  it("reads servers, maps and description", () => {
    const text = [
      "1",
      "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port",
      "3 b 1 s1 127.0.0.1 2 0 1 1 1 6 3 2 6 0 0 0 - 8000 - 0 0 - - 0",
      "3 b 2 s2 192.0.2.1 0 5 1 1 1 1 0 1 14 0 0 0 - 9 - 0 0 - - 0",
      "3 b 3 s3 192.0.2.1 2 4 1 1 1 1 0 1 14 0 0 0 - 9 - 0 0 - - 0",
      "",
    ].join("\n");
    expect([...parseServersState(text)]).toEqual([
      ["b/s1", { address: "127.0.0.1", port: 8000, up: true, maintenance: false }],
      ["b/s2", { address: "192.0.2.1", port: 9, up: false, maintenance: true }],
      ["b/s3", { address: "192.0.2.1", port: 9, up: true, maintenance: false }],
    ]);
    expect([...parseMap("0x55d a.example r_1\n0x55e b.example r_2\n\n")]).toEqual([
      ["a.example", "r_1"],
      ["b.example", "r_2"],
    ]);
    expect(parseDescription("Name: HAProxy\ndescription: tfgrid-m-1\nTasks: 3\n")).toBe("tfgrid-m-1");
  });
  it("reads the traffic of backends, wherever its columns stand", () => {
    const text = ["# pxname,svname,qcur,bin,bout,status,", "r_1,BACKEND,0,1200,34000,UP,", "r_1,s1,0,7,7,UP,", "r_2,BACKEND,0,0,0,DOWN,", "http,FRONTEND,,9,9,OPEN,", ""].join("\n");
    expect([...parseTraffic(text)]).toEqual([["r_1", 35_200], ["r_2", 0]]);
    expect([...parseTraffic("Unknown command.\n")]).toEqual([]);
  });
  it("writes error answers of exactly the announced length", () => {
    const [head = "", body = ""] = errorFile("503").split("\r\n\r\n");
    expect(head).toContain("retry-after: 2");
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
    expect(body).toContain("gateway.no_backend");
  });
});
