import { defineConfig } from "vitest/config";

/** Fast tests share workers; tests with processes, namespaces and browsers run one file at a time. */
export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: "fast", include: ["{packages/*,tools}/test/{unit,property,vectors,simulation}/**/*.test.ts"], testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["packages/*/test/integration/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: { name: "e2e", include: ["e2e/**/*.test.ts"], testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: false },
      },
    ],
  },
});
