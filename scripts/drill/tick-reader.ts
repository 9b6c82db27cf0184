/** Reads what workers tick on every node while they do, by a program that runs in the node for half a minute at a time. */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { Duration } from "../../contracts/units";
import type { Engine } from "../lab/engine";
import type { Machine } from "../lab/machines";
import type { DrillClock } from "./clock";
import type { TickRecord } from "./tick-record";
import { parseJson } from "../json";

/** A node that was stopped is asked again. */
const AGAIN_AFTER = Duration.ms(500);
/** A node that is back answers at once; one that does not by then hides what its worker did. */
const CAUGHT_UP_WITHIN = Duration.seconds(30);

/**
 * Every 200 ms each file's new whole lines, and that a look was taken. It ends by itself: what a client's
 * end leaves running in a container must not run for ever. What was written before the drill began is
 * left out, but for the newest 8 KiB of each file. How far each was read comes by standard input: an
 * argument holds 128 KiB, which is some hundred files.
 */
const PROGRAM = String.raw`
import glob, json, os, sys, time
pattern, first, offsets = sys.argv[1], sys.argv[2] == "first", json.load(sys.stdin)
def say(**what):
    print(json.dumps(what), flush=True)
try:
    say(boot=open("/proc/sys/kernel/random/boot_id").read().strip())
except OSError:
    pass
end = time.monotonic() + 30
while time.monotonic() < end:
    looked = time.monotonic()
    for path in glob.glob(pattern):
        try:
            size = os.path.getsize(path)
            begin = offsets.get(path, max(0, size - 8192) if first else 0)
            if size <= begin:
                offsets[path] = begin
                continue
            with open(path, "rb") as file:
                file.seek(begin)
                data = file.read(1 << 20)
        except OSError:
            continue
        whole = data[: data.rfind(b"\n") + 1]
        offsets[path] = begin + len(whole)
        if whole:
            say(path=path, to=offsets[path], text=whole.decode("utf-8", "replace"))
    first = False
    say(looked=looked * 1000)
    time.sleep(0.2)
`;

const lineSchema = z.union([z.object({ path: z.string(), to: z.number(), text: z.string() }), z.object({ looked: z.number() }), z.object({ boot: z.string() })]);

export interface TickReaderProps {
  readonly engine: Engine;
  readonly nodes: readonly Machine[];
  /** Folder of Nomad's data on a node. */
  readonly dataDir: string;
  readonly record: TickRecord;
  readonly clock: DrillClock;
}

export class TickReader {
  private readonly stop = new AbortController();
  private readonly lookedAt = new Map<string, number>();
  private running: Promise<unknown> = Promise.resolve();

  constructor(private readonly props: TickReaderProps) {}

  start(): void {
    this.running = Promise.all(this.props.nodes.map((node) => this.follow(node)));
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /**
   * Waits until everything that was written before now has been read.
   * @throws Error when a node is not to be read: what its worker did cannot be known
   */
  async caughtUp(): Promise<void> {
    const { nodes, clock } = this.props;
    const [asked, end] = [clock.now(), Date.now() + CAUGHT_UP_WITHIN.milliseconds];
    const late = (): Machine[] => nodes.filter(({ name }) => (this.lookedAt.get(name) ?? -Infinity) <= asked);
    while (late().length > 0) {
      if (Date.now() > end) throw new Error(`the ticks on ${late().map(({ name }) => name).join(" and ")} cannot be read, so that nobody knows whether a worker ran there; see: npm run gvfx -- lab status`);
      await pause(100);
    }
  }

  private async follow({ name, container }: Machine): Promise<void> {
    const { engine, dataDir } = this.props;
    const offsets: Record<string, number> = {};
    let first = true;
    while (!this.stop.signal.aborted) {
      const args = ["exec", "-i", container, "python3", "-c", PROGRAM, `${dataDir}/alloc/*/alloc/data/ticks.*.log`, first ? "first" : "again"];
      await engine.follow(args, (line) => {
        if (this.take(name, line, offsets)) first = false;
      }, { signal: this.stop.signal, input: JSON.stringify(offsets) }).catch(() => undefined);
      await pause(AGAIN_AFTER.milliseconds, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }

  /** @returns whether a look was complete */
  private take(node: string, line: string, offsets: Record<string, number>): boolean {
    const parsed = lineSchema.safeParse(parseJson(line));
    // Anything else is what the engine says of a machine that is stopped or stands still.
    if (!parsed.success) return false;
    const { data } = parsed;
    if ("path" in data) {
      offsets[data.path] = data.to;
      this.props.record.take(node, data.path, data.text);
    } else if ("boot" in data) this.props.clock.sameKernel(data.boot === ownBootId());
    else {
      this.props.clock.sample(data.looked);
      this.lookedAt.set(node, data.looked);
      return true;
    }
    return false;
  }
}

/** Undefined where the engine's kernel is another one: Docker Desktop. */
function ownBootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}
