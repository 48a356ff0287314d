/**
 * Switching this machine off, and others on. What a process can do ends where the hardware begins: a machine wakes only when its
 * firmware and its network card are set to wake on a magic packet and keep power while it is off, and only from its own LAN.
 */
import { createSocket } from "node:dgram";
import { readFile, writeFile } from "node:fs/promises";
import { type Clock, messageOf } from "@tfgrid/primitives";
import { NODE_LIMITS as L } from "../limits.ts";

export interface PowerControl {
  /** Why the machine cannot be switched off so that another one can wake it; undefined: it can. */
  obstacle(): Promise<string | undefined>;
  /** On a machine of its own this is the end of the process. */
  off(): Promise<void>;
  /** Sends magic packets to a network card on the same LAN. Nobody answers: the ledger hears it when the machine is on. */
  wake(mac: string, signal: AbortSignal): Promise<void>;
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** Six times 0xff, then the address sixteen times. Undefined: that is no address of a network card. */
export function magicPacket(mac: string): Uint8Array | undefined {
  if (!MAC.test(mac)) return undefined;
  const address = Buffer.from(mac.replaceAll(":", ""), "hex");
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)]);
}

export interface WakeOptions {
  readonly clock: Clock;
  /** Default: everybody on the LAN, port 9 (discard). */
  readonly to?: { readonly address: string; readonly port: number };
}

/** Several times: a packet may be lost, and a card that renegotiates its link misses some. */
export async function sendMagicPackets(packet: Uint8Array, { clock, to = { address: "255.255.255.255", port: 9 } }: WakeOptions, signal: AbortSignal): Promise<void> {
  const socket = createSocket("udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(0, () => {
        socket.setBroadcast(true);
        resolve();
      });
    });
    for (let sent = 0; sent < L.magicPackets && !signal.aborted; sent += 1) {
      if (sent > 0) await clock.sleep(L.magicPacketPauseMs, signal).catch(() => undefined);
      await new Promise<void>((resolve, reject) => socket.send(packet, to.port, to.address, (error) => (error === null ? resolve() : reject(error))));
    }
  } finally {
    socket.close();
  }
}

async function wakeByPacket(mac: string, options: WakeOptions, signal: AbortSignal): Promise<void> {
  const packet = magicPacket(mac);
  if (packet !== undefined) await sendMagicPackets(packet, options, signal);
}

export interface MachinePowerOptions {
  readonly iface: string;
  readonly clock: Clock;
  /** Roots of sysfs and procfs. */
  readonly sys?: string;
  readonly proc?: string;
}

/** A machine of its own. The kernel switches it off at once: nothing runs there any more, and the disks were synced. */
export function machinePower({ iface, clock, sys = "/sys", proc = "/proc" }: MachinePowerOptions): PowerControl {
  const trigger = (key: "s" | "o"): Promise<void> => writeFile(`${proc}/sysrq-trigger`, key);
  return {
    obstacle: async () => {
      const path = `${sys}/class/net/${iface}/device/power/wakeup`;
      try {
        const mode = (await readFile(path, "utf8")).trim();
        return mode === "enabled" ? undefined : `network card ${iface} does not wake the machine (${path} is "${mode}")`;
      } catch (error) {
        return `it is not known whether network card ${iface} can wake the machine: ${messageOf(error)}`;
      }
    },
    off: async () => {
      await trigger("s");
      await trigger("o");
    },
    wake: (mac, signal) => wakeByPacket(mac, { clock }, signal),
  };
}

/** Several 3Nodes on one machine: the process stands for it. Off, it says nothing until the ledger wants it on. */
export function processPower({ clock }: { readonly clock: Clock }): PowerControl {
  return { obstacle: async () => undefined, off: async () => undefined, wake: (mac, signal) => wakeByPacket(mac, { clock }, signal) };
}
