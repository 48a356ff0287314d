/** Bounds of what the notary keeps. */
export const DOCUMENT_LIMITS = {
  /** One document or instruction: a large Compose file with its configs is about 200 KiB. */
  documentBytes: 1_048_576,
  services: 64,
  replicasPerService: 100,
  networks: 8,
  volumes: 64,
  files: 64,
  /** A config or secret, as in Docker. */
  fileBytes: 500_000,
  environmentVariables: 512,
  environmentValueLength: 32_768,
  arguments: 256,
  argumentLength: 32_768,
  ingressRules: 32,
} as const;
