"use strict";
const { printTroubles } = require("./troubles.cjs");

/** After a file with failures: what the lab looks like, and what was said in it. */
module.exports = class LogsOfFailures {
  onTestResult(_test, { numFailingTests, testFilePath }) {
    if (numFailingTests > 0 && !/cloud\.e2e/.test(testFilePath)) printTroubles(`the lab after the failures of ${testFilePath}`);
  }
};
