#!/usr/bin/env node
// The operator's command line. `npm run gvfx -- --help` lists what it does.
import { createRequire } from "node:module";

// Not imported: Node would first parse the file for the names that it exports.
const require = createRequire(import.meta.url);

const [command, ...args] = process.argv.slice(2);
if (command === "diff") require("./begin.cjs").beginPlans(args, process.env.GVFX_ENV ?? "production");
require("./bundle.cjs").run(command === "diff" ? "scripts/gvfx-diff.ts" : "scripts/gvfx.ts");
