import { defineConfig } from "vitest/config";

/**
 * Fast tests share workers; tests with processes, namespaces and browsers run one file at a time. Nothing is proven by being
 * quick: times end only what hangs, and are many times what a slow machine with other work needs.
 */
export default defineConfig({
  test: {
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: { name: "fast", include: ["{packages/*,tools}/test/{unit,property,vectors,simulation}/**/*.test.ts"], testTimeout: 240_000 },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["packages/*/test/integration/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: { name: "e2e", include: ["e2e/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 600_000, fileParallelism: false },
      },
    ],
  },
});
