/** One file, three parts: the lease program; and in the worker's process, when Bun loads it there, the fence and its thread. */
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { FENCE_VARIABLE } from "./fence.mjs";
import { armFence } from "./fence-worker.mjs";
import { run } from "./main.mjs";

export { watchDeadlines } from "./fence-worker.mjs";

// Bun loads it into the worker's own threads as well, where it does nothing.
if (isMainThread) {
  const program = fileURLToPath(import.meta.url);
  const fence = process.env[FENCE_VARIABLE];
  if (fence) await armFence(program, fence);
  else await run(program);
}
