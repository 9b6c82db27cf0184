"use strict";
// What cdktf.json's "app" runs: synthesizes all stacks to CDKTF_OUTDIR (cdktf.out). CommonJS, which Node starts sooner.
require("./bundle.cjs").run("main.ts");
