"use strict";
const { default: Sequencer } = require("@jest/test-sequencer");

/** By name, whatever failed last: the test that destroys the lab has the last one. */
module.exports = class ByName extends Sequencer {
  sort(tests) {
    return [...tests].sort((a, b) => (a.path < b.path ? -1 : 1));
  }
};
