/**
 * A program with nothing but the containment in it, driven over its input:
 *
 *   <runtime> driver.mjs <folder of the modules> container|host -- <command> [args...]
 *
 * Reads one word a line: start, kill, exit, or a signal for the command. Says one JSON object a line.
 */
import { createInterface } from "node:readline";
import { join } from "node:path";

const [folder, kind, , ...command] = process.argv.slice(2);
const { containment } = await import(join(folder, "containment.mjs"));
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const contained = containment(kind, { log: (level, event, message) => say({ log: event, level, message }) });
say({ problem: contained.problem() ?? null, pid: process.pid });

for await (const word of createInterface({ input: process.stdin })) {
  if (word === "exit") break;
  if (word === "kill") {
    const began = performance.now();
    await contained.killAll();
    say({ dead: performance.now() - began });
  } else if (word === "start") {
    try {
      // The mark is in the environment of whatever the command starts, and not in ours.
      const started = contained.start(command, { ...process.env, GVFX_MARK: process.env.GVFX_MARK_OF_CHILDREN });
      say({ started: true });
      started.exited.then(({ code }) => say({ exited: code, pid: started.pid }));
    } catch (error) {
      say({ refused: error.message });
    }
  } else contained.signal(word);
}
process.exit(0);
