/** What every NetworkDriver must do, whatever it drives. */
import { bytesToHex, hasCode, systemEntropy } from "@tfgrid/primitives";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { NetworkDriver } from "../../src/ports.ts";

export function networkDriverCompliance(name: string, start: () => Promise<{ driver: NetworkDriver; stop(): Promise<void> }>): void {
  describe(`${name} keeps the promises of a NetworkDriver`, () => {
    let driver: NetworkDriver;
    let started: { driver: NetworkDriver; stop(): Promise<void> } | undefined;
    const key = () => bytesToHex(systemEntropy.randomBytes(32));
    const privateKey = key();
    const znet = (name_: string, internal = false) => ({ key: name_, cidr: "10.70.0.0/16", subnetIndex: 3, internal, privateKey });
    const code = async (action: Promise<unknown>): Promise<string> => {
      const error = await action.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return (error as { code?: string } | undefined)?.code ?? "none";
    };

    beforeAll(async () => {
      started = await start();
      driver = started.driver;
      await driver.ensureNode({ gateway: false });
    });
    afterAll(() => started?.stop());

    test("a znet keeps its port however often it is ensured, and two never share one", async () => {
      await driver.ensureNode({ gateway: false });
      const first = await driver.ensureZnet(znet("s1-a"));
      expect((await driver.ensureZnet(znet("s1-a"))).listenPort).toBe(first.listenPort);
      expect((await driver.ensureZnet(znet("s2-a", true))).listenPort).not.toBe(first.listenPort);
      expect((await driver.list()).znets).toEqual(["s1-a", "s2-a"]);
    });

    test("peers are replaced as a whole", async () => {
      const [one, two] = [key(), key()];
      const peer = (publicKey: typeof one, third: number) => ({ publicKey, allowedIps: [`10.70.${third}.0/24`], keepaliveSec: 25 });
      expect(await driver.setPeers("s1-a", [peer(one, 1), peer(two, 2)])).toEqual({ greeted: false });
      expect((await driver.peerStatus("s1-a")).map((status) => status.publicKey).toSorted()).toEqual([one, two].toSorted());
      const met = [{ ...peer(two, 1), endpoint: { address: "192.0.2.1", port: 5000 } }];
      expect(await driver.setPeers("s1-a", met)).toEqual({ greeted: true });
      expect(await driver.setPeers("s1-a", met, { insist: true })).toEqual({ greeted: false });
      expect(await driver.peerStatus("s1-a")).toEqual([{ publicKey: two, lastHandshakeMs: 0, rxBytes: expect.any(Number), txBytes: expect.any(Number) }]);
      await driver.setPeers("s1-a", []);
      expect(await driver.peerStatus("s1-a")).toEqual([]);
    });

    test("counts what passes between a znet and the Internet", async () => {
      expect(await driver.publicBytes("s1-a")).toBeLessThan(10_000);
      expect(await driver.publicBytes("s2-a")).toBe(0);
      expect(await code(driver.publicBytes("s9-none"))).toBe("network.unknown_network");
    });

    test("attaching and detaching can be repeated", async () => {
      const attachment = { key: "c1-web", networks: [{ znet: "s1-a", ip: "10.70.3.9" }] };
      const first = await driver.attach(attachment);
      expect(first.nameserver).toBe("10.70.3.1");
      expect(await driver.attach(attachment)).toEqual(first);
      expect((await driver.list()).attachments).toEqual(["c1-web"]);
      await driver.detach("c1-web");
      await driver.detach("c1-web");
      expect((await driver.list()).attachments).toEqual([]);
    });

    test("names and forwards are replaced as a whole, and may be empty", async () => {
      await driver.setNames("s1-a", [{ name: "web", ips: ["10.70.3.9"] }]);
      await driver.setNames("s1-a", []);
      const forward = { listenPort: 51_990, from: { address: "192.0.2.1" }, to: { address: "192.0.2.2", port: 51_801 } };
      await driver.setForwards([forward]);
      await driver.setForwards([forward, { ...forward, from: { address: "192.0.2.3" } }]);
      await driver.setForwards([]);
    });

    test("what does not exist or is no name is refused by code", async () => {
      expect(await code(driver.setPeers("s9-none", []))).toBe("network.unknown_network");
      expect(await code(driver.setNames("s9-none", []))).toBe("network.unknown_network");
      expect(await code(driver.attach({ key: "c1-x", networks: [{ znet: "s9-none", ip: "10.70.3.9" }] }))).toBe("network.unknown_network");
      expect(await code(driver.attach({ key: "../x", networks: [{ znet: "s1-a", ip: "10.70.3.9" }] }))).toBe("network.invalid_name");
      expect(await code(driver.attach({ key: "c1-x", networks: [{ znet: "s1-a", ip: "10.70.3.9; reboot" }] }))).toBe("network.invalid_address");
      expect(await code(driver.ensureZnet({ ...znet("s3-a"), cidr: "10.70.0.0/8" }))).toBe("network.invalid_address");
      expect(hasCode(new Error("x"), "network.invalid_name")).toBe(false);
    });

    test("removal is complete and repeatable", async () => {
      await driver.removeZnet("s2-a");
      await driver.removeZnet("s2-a");
      expect((await driver.list()).znets).toEqual(["s1-a"]);
      await driver.teardown();
      await driver.teardown();
      expect(await driver.list()).toEqual({ znets: [], attachments: [] });
    });
  });
}
