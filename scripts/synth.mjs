// What cdktf.json's "app" runs: synthesizes all stacks to CDKTF_OUTDIR (cdktf.out).
import { run } from "./bundle.mjs";

run("main.ts");
