/** End-to-end tests, one after the other: the whole lab, and the clouds' doubles under the real providers. */
/** @type {import("jest").Config} */
module.exports = {
  ...require("./jest.config.js"),
  testMatch: ["**/*.e2e.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  // A stack's deploy waits for what really happens; five minutes is the longest that a single step may take.
  testTimeout: 300_000,
  // They share one engine and its memory.
  maxWorkers: 1,
};
