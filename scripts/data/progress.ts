/** How far a long piece of work is: a bar at a terminal, a line now and then elsewhere, nothing where a machine reads. */

export interface Progress {
  /**
   * Begins a step.
   * @param total how much there is to do, in whatever `advance` counts (mostly bytes); left out when nobody knows
   */
  step(what: string, total?: number): ProgressStep;
}

export interface ProgressStep {
  /** `n` more are done. */
  advance(n: number): void;
  /** The step ended well. @param note what is worth knowing of it, for example "12 tables" */
  done(note?: string): void;
  /** The step ended badly. @param note why, in a few words: the error itself says the rest */
  failed(note: string): void;
}

const STILL: ProgressStep = { advance: () => undefined, done: () => undefined, failed: () => undefined };

/** For --json, and for work whose caller shows its own progress. */
export const silentProgress: Progress = { step: () => STILL };

/** Where progress is written: standard error, so that standard output stays the command's answer. */
export interface ProgressStream {
  /** Whether a person looks at it. */
  readonly isTTY?: boolean;
  /** Characters in a line. @default 100 */
  readonly columns?: number;
  write(text: string): unknown;
}

/** A bar is drawn anew at most this often: faster is not seen and costs. */
const DRAW_EVERY_MS = 100;
/** Into a log: often enough to see that it moves, and a log of an hour stays under a thousand lines. */
const LINE_EVERY_MS = 5_000;
const BAR_CELLS = 24;
/** Share of the whole that must be done before the rest is forecast. */
const LEAST_SHARE = 0.02;
const CLEAR = "\r\u001b[2K";

/**
 * One line for each step that ends; meanwhile, at a terminal, one living line for all steps that run.
 * @param clock milliseconds that only grow
 */
export function terminalProgress(stream: ProgressStream, clock: () => number = Date.now): Progress {
  const terminal = stream.isTTY === true;
  const running = new Set<RunningStep>();
  let lastDrawn = -Infinity;

  const clear = (): void => void (terminal && stream.write(CLEAR));
  const draw = (): void => {
    if (!terminal || running.size === 0) return;
    lastDrawn = clock();
    const text = [...running].map((step) => living(step, clock())).join(" | ");
    stream.write(`${CLEAR}${text.slice(0, (stream.columns ?? 100) - 1)}`);
  };

  return {
    step: (what, total) => {
      const step: RunningStep = { what, total, done: 0, began: clock(), said: clock() };
      let over = false;
      running.add(step);
      if (terminal) draw();
      else stream.write(`       ${what} ...\n`);
      const end = (mark: string, note: string | undefined): void => {
        if (over) return;
        over = true;
        running.delete(step);
        clear();
        stream.write(`${mark} ${what}${note === undefined ? "" : `: ${note}`} (${seconds(clock() - step.began)})\n`);
        draw();
      };
      return {
        advance: (n) => {
          step.done += n;
          const now = clock();
          if (over) return;
          if (terminal) {
            if (now - lastDrawn >= DRAW_EVERY_MS) draw();
          } else if (now - step.said >= LINE_EVERY_MS) {
            step.said = now;
            stream.write(`       ${living(step, now)}\n`);
          }
        },
        done: (note) => end("ok    ", note),
        failed: (note) => end("FAILED", note),
      };
    },
  };
}

interface RunningStep {
  readonly what: string;
  readonly total: number | undefined;
  readonly began: number;
  done: number;
  said: number;
}

function living({ what, total, done, began }: RunningStep, now: number): string {
  const took = seconds(now - began);
  if (total === undefined || total <= 0) return `${what}${done > 0 ? `: ${amount(done)}` : ""}, ${took}`;
  const share = Math.min(1, done / total);
  const cells = Math.floor(share * BAR_CELLS);
  return `[${"#".repeat(cells)}${"-".repeat(BAR_CELLS - cells)}] ${Math.floor(share * 100).toString().padStart(3)} % ${what}, ${took}${remaining(share, now - began)}`;
}

/** A forecast from the first moments, or from almost nothing, is wrong by orders of magnitude. */
function remaining(share: number, elapsedMs: number): string {
  if (elapsedMs < 1_000 || share < LEAST_SHARE || share >= 1) return "";
  return `, about ${seconds((elapsedMs * (1 - share)) / share)} left`;
}

const seconds = (ms: number): string => (ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.floor((ms % 60_000) / 1_000)} s`);
const amount = (n: number): string => n.toLocaleString("en-US");
