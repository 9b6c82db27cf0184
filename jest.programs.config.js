/** Tests that drive real programs (Terraform with its providers, Nomad, Consul, HAProxy, a browser), where a machine has them. */
/** @type {import("jest").Config} */
module.exports = { ...require("./jest.config.js"), testMatch: ["**/*.programs.test.ts"], testPathIgnorePatterns: ["/node_modules/"] };
