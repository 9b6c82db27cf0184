#!/usr/bin/env node
// The operator's command line. `npm run gvfx -- --help` lists what it does.
import bundle from "./bundle.cjs";

bundle.run(process.argv[2] === "diff" ? "scripts/gvfx-diff.ts" : "scripts/gvfx.ts");
