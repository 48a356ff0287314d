/** What every part of the Linux driver needs to know. */
import type { Logger } from "@tfgrid/primitives";
import type { ZnetKey } from "../ports.ts";
import type { MachineNames, MeshPorts, PortRange } from "./names.ts";
import type { SlotStore } from "./state.ts";
import type { AppliedPeers } from "./wireguard.ts";

export interface LinuxNetworkOptions {
  /** Name below /run/netns of the namespace that holds the uplink: the machine's core. */
  readonly machineNetns: string;
  /** Small state that survives a reboot (which port belongs to which znet). */
  readonly dataDir: string;
  /** `address`: further own addresses that zmachines must not reach, beside those found on the interface. */
  readonly uplink: { readonly iface: string; readonly address?: string };
  /** UDP ports reached from outside: first = probes, lower half = WireGuard, upper half = forwards. */
  readonly portRange: PortRange;
  readonly dnsUpstreams: readonly string[];
  /** A better wireguard-go than that in PATH, see ensureWireguardGo. */
  readonly wireguardGo?: string;
  readonly logger: Logger;
}

export interface LinuxContext extends LinuxNetworkOptions {
  readonly names: MachineNames;
  readonly ports: MeshPorts;
  readonly slots: SlotStore;
  readonly runDir: string;
  /** What we set last, per znet. */
  readonly applied: Map<ZnetKey, AppliedPeers>;
}

/** Memory-backed: gone after a reboot, as the namespaces are. */
export const runDirOf = (machine: string): string => `/run/tfgrid/${machine}`;
