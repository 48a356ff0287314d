import { defineErrors } from "@tfgrid/primitives";

/** What can go wrong between an accepted contract and a running zmachine. */
const defined = defineErrors({
  "compute.tool_missing": {
    summary: "A program that runs zmachines is not installed on this 3Node.",
    cure: "Install the Debian packages runc or crun, conmon, skopeo, umoci, e2fsprogs, util-linux and perl-base, then start the node again.",
  },
  "compute.user_namespaces_denied": {
    summary: "This machine does not let the node make user namespaces, without which no zmachine runs.",
    cure: "Boot Zero-OS on the machine itself: not in a chroot or an unprivileged container, and with the sysctl user.max_user_namespaces above 0.",
  },
  "compute.owners_lost": {
    summary: "Files of this node's zmachines belong to ids of their own for each contract, which the machine cannot arrange any more.",
    cure: "Boot a kernel from 5.19 on, as before, with the data folder on a file system that can move owners (ext4, xfs, btrfs).",
  },
  "compute.image_not_found": {
    summary: "The registry does not have this image.",
    cure: "Check the image's name and digest, push it if it is yours, and sign a new version of the solution.",
  },
  "compute.image_denied": {
    summary: "The registry does not give this image to an anonymous reader.",
    cure: "Make the image public or use a registry that the 3Node may read.",
  },
  "compute.image_corrupt": {
    summary: "What the registry sent does not match the digest that was signed, or is not a valid image.",
    cure: "Push the image again and pin its new digest; nothing of the wrong image was kept.",
  },
  "compute.image_wrong_platform": {
    summary: "The image has no variant for this 3Node's processor.",
    cure: "Build the image for this platform, or place the service on a 3Node with another processor.",
  },
  "compute.image_not_cached": {
    summary: "The image is not in the cache of this 3Node.",
    cure: "Pull the image first; the node does so by itself on its next round.",
  },
  "compute.registry_unreachable": {
    summary: "The registry does not answer.",
    cure: "Check that the registry is up and reachable from the 3Node; the node tries again by itself.",
  },
  "compute.registry_failed": {
    summary: "The registry answered with an error.",
    cure: "Read the message in the details; the node tries again by itself.",
  },
  "compute.disk_full": {
    summary: "The 3Node's disk is full.",
    cure: "Place the solution on another 3Node, or ask the farmer to add disk space; nothing half-made was left behind.",
  },
  "compute.unknown_user": {
    summary: "The user that the zmachine shall run as does not exist in the image.",
    cure: "Use a name from the image's /etc/passwd, or a numeric uid[:gid] below 65536.",
  },
  "compute.no_command": {
    summary: "Neither the service nor its image says what to run.",
    cure: "Set `command` or `entrypoint` in the Compose file.",
  },
  "compute.isolation_unsupported": {
    summary: "This 3Node cannot run zmachines of that isolation class.",
    cure: "Choose isolation `container`, or a 3Node that offers this class.",
  },
  "compute.volume_missing": {
    summary: "A mount names a volume that was not prepared.",
    cure: "Declare the volume in the solution; the node prepares it before the zmachine.",
  },
  "compute.invalid_mount": {
    summary: "A file, mount or working folder of the zmachine is not valid.",
    cure: "Read the message, correct the Compose file and sign a new version.",
  },
  "compute.network_missing": {
    summary: "The network namespace of the zmachine does not exist.",
    cure: "The node makes networks before zmachines and tries again by itself.",
  },
  "compute.start_failed": {
    summary: "The zmachine could not be started.",
    cure: "Read the runtime's message in the details: most often the command does not exist in the image or is not executable.",
  },
  "compute.stop_failed": {
    summary: "The zmachine did not end although it was killed.",
    cure: "It is stuck in the kernel, mostly on a failing disk; the node tries again, and a reboot of the 3Node helps for certain.",
  },
  "compute.cleanup_failed": {
    summary: "Something that belonged to a zmachine could not be removed.",
    cure: "The node tries again by itself; the details name what is left.",
  },
  "compute.system_failed": {
    summary: "A system program failed unexpectedly.",
    cure: "Read the program's message in the details; the node tries again by itself.",
  },
  "compute.unknown_zmachine": {
    summary: "There is no such zmachine on this 3Node.",
    cure: "List the contract's zmachines and use one of their names.",
  },
});

export const computeErrors = defined.catalogue;
export const fail = defined.fail;
