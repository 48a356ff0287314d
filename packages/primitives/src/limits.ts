/** What one program remembers for speed. */
export const PRIMITIVE_LIMITS = {
  /** Public keys whose check is remembered (about 1 KB each); the oldest is forgotten first. */
  knownKeys: 20_000,
} as const;
