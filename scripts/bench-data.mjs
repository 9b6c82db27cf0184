// `npm run bench:data`: how fast a snapshot of Convex is checked, and in how much memory.
import bundle from "./bundle.cjs";

bundle.run("scripts/bench-data.ts");
