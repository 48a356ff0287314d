/** Bounds of what the notary keeps. */
export const DOCUMENT_LIMITS = {
  /** One document or instruction: a large Compose file with its configs is about 200 KiB. */
  documentBytes: 1_048_576,
  /** Services of one solution; a larger architecture is several solutions. */
  services: 64,
  /** Replicas of one service. */
  replicasPerService: 100,
  /** Private networks of one solution, as many as the ledger allows in one contract. */
  networks: 8,
  /** Volumes of one solution, and mounts of one service. */
  volumes: 64,
  /** Configs, and secrets, of one solution. */
  files: 64,
  /** A config or secret, as in Docker. */
  fileBytes: 500_000,
  /** Environment variables of one service. */
  environmentVariables: 512,
  /** Characters of one variable's value. */
  environmentValueLength: 32_768,
  /** Words of one command line. */
  arguments: 256,
  /** Characters of one word of a command line. */
  argumentLength: 32_768,
  /** Public names of one solution: each is a name contract. */
  ingressRules: 32,
} as const;
