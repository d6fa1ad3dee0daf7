import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** `npm test` needs Node alone; `npm run test:broker` starts an Apache Kafka of its own. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^holdfast\/kafka$/, replacement: source("./src/kafka.ts") },
      { find: /^holdfast\/sim$/, replacement: source("./src/sim.ts") },
      { find: /^holdfast$/, replacement: source("./src/index.ts") },
    ],
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/broker/**"],
          globalSetup: ["test/support/build.ts"],
          testTimeout: 30_000,
          typecheck: {
            enabled: true,
            tsconfig: "./tsconfig.test.json",
            include: ["test/**/*.test-d.ts"],
          },
        },
      },
      {
        extends: true,
        test: {
          name: "broker",
          include: ["test/broker/**/*.test.ts"],
          globalSetup: ["test/support/build.ts", "test/broker/start-broker.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
