import { defineErrors } from "@tfgrid/primitives";

export const peerNetworkErrors = defineErrors({
  "network.command_failed": {
    summary: "A network command of the machine failed.",
    cure: "Read the command's own words in the details; check that the agent runs as root and that iproute2, nftables and wireguard-tools are installed.",
  },
  "network.command_missing": {
    summary: "A program that the network needs is not installed.",
    cure: "Install the packages iproute2, nftables, wireguard-tools, dnsmasq-base, conntrack and, without a WireGuard kernel module, wireguard-go.",
  },
  "network.wireguard_not_started": {
    summary: "The user-space WireGuard of a private network did not start.",
    cure: "Check that /dev/net/tun exists and that wireguard-go is installed; the next attempt starts it anew.",
  },
  "network.dns_not_started": {
    summary: "The name server of a private network did not start.",
    cure: "Check that dnsmasq-base is installed; the details hold its own words. The next attempt starts it anew.",
  },
  "network.invalid_name": {
    summary: "A name of a network or zmachine cannot be used as a name on the machine.",
    cure: "Use letters, digits, dots and hyphens only.",
  },
  "network.invalid_address": {
    summary: "An address is not of the form that is needed here.",
    cure: "Give IPv4 addresses as a.b.c.d and networks as a.b.0.0/16.",
  },
  "network.unknown_network": {
    summary: "The private network does not exist on this node.",
    cure: "Call ensureZnet for it first.",
  },
  "network.ports_exhausted": {
    summary: "All UDP ports of this node's range are in use.",
    cure: "Give the node a wider port range, or place the part elsewhere.",
  },
  "network.forward_refused": {
    summary: "The node does not forward for these two nodes.",
    cure: "Only nodes with active contracts of one solution are forwarded for; check both contracts, or use another path.",
  },
  "network.message_refused": {
    summary: "The message about the network is not from whom it must be, or is malformed.",
    cure: "Link states must be signed by the node's own twin, path messages must come from the node they speak of.",
  },
  "network.not_a_member": {
    summary: "There is no member with this name in the solution's private network.",
    cure: "Add the device with solutions.add_member first, and wait until the transaction is final.",
  },
  "network.no_nodes": {
    summary: "No node of the solution has reported the port of this private network yet.",
    cure: "Wait until a part of the solution is running, then ask again.",
  },
  "network.mesh_socket_failed": {
    summary: "The UDP socket in the mesh namespace could not be opened.",
    cure: "Call ensureNode first, and check that no other agent serves the same machine.",
  },
});

export const fail = peerNetworkErrors.fail;
