"use strict";
const { basename } = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/** It destroys the lab: whatever comes after it meets none. */
const LAST = "teardown.e2e.test.ts";

/** By name, whatever failed last, and the lab's end at the end. */
module.exports = class ByName extends Sequencer {
  sort(tests) {
    const last = ({ path }) => Number(basename(path) === LAST);
    return [...tests].sort((a, b) => last(a) - last(b) || (a.path < b.path ? -1 : 1));
  }
};
