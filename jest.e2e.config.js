/** End-to-end tests, one after the other: the whole lab, and the clouds' doubles under the real providers. */
/** @type {import("jest").Config} */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/*.e2e.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  // One lab for all of them: up before the first, down after the last.
  globalSetup: "<rootDir>/__tests__/e2e/lab-setup.ts",
  globalTeardown: "<rootDir>/__tests__/e2e/lab-teardown.ts",
  testSequencer: "<rootDir>/__tests__/e2e/by-name.cjs",
  reporters: ["default", "<rootDir>/__tests__/e2e/logs-of-failures.cjs"],
  // A stack's deploy waits for what really happens; five minutes is the longest that a single step may take.
  testTimeout: 300_000,
  // They share one engine and its memory.
  maxWorkers: 1,
};
