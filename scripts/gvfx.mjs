#!/usr/bin/env node
// The operator's command line. `npm run gvfx -- --help` lists what it does.
import { run } from "./bundle.mjs";

run("scripts/gvfx.ts");
