/** @type {import("jest").Config} */
module.exports = {
  testEnvironment: "node",
  roots: ["<rootDir>/__tests__"],
  testMatch: ["**/*.test.ts"],
  // Terraform with its providers, HAProxy, a browser: npm run test:programs. The lab and the clouds' doubles: npm run test:e2e.
  testPathIgnorePatterns: ["/node_modules/", "\\.(programs|e2e)\\.test\\.ts$"],
  transform: { "^.+\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" }, module: { type: "commonjs" }, sourceMaps: "inline" }] },
  // Five seconds, jest's own, is how long a slow machine with other work may take for a test that does nothing wrong.
  testTimeout: 120_000,
  maxWorkers: 2,
};
