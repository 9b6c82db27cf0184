/** The steps of a long command, with how long each took: a live list at a terminal, plain lines elsewhere. */
import type { ListrTask } from "listr2";

export interface Step {
  readonly title: string;
  readonly run: (report: (line: string) => void) => Promise<string | void>;
}

/** Steps that run one after the other; an inner list runs its members at once, each with its own. */
export type Steps = readonly (Step | readonly Steps[])[];

export interface Timed {
  readonly title: string;
  readonly seconds: number;
}

/** How often a running step shows how long it has taken. */
const SECOND_MS = 1_000;

/**
 * Runs steps in order, groups of them at once.
 * @param terminal a live list; otherwise a line when a step begins and one when it ends
 * @returns every step that ended, in that order
 */
export async function runSteps(steps: Steps, { terminal, write, clock = Date.now }: { readonly terminal: boolean; readonly write: (line: string) => void; readonly clock?: () => number }): Promise<Timed[]> {
  const timed: Timed[] = [];
  const began = clock();
  const elapsed = (since: number): number => (clock() - since) / 1000;
  const measured = async (step: Step, report: (line: string) => void): Promise<string> => {
    const start = clock();
    const result = await step.run(report);
    timed.push({ title: step.title, seconds: elapsed(start) });
    return `${step.title}${result ? `: ${result}` : ""} (${elapsed(start).toFixed(1)} s)`;
  };

  if (!terminal) {
    const plain = async (list: Steps): Promise<void> => {
      for (const step of list) {
        if ("run" in step) {
          write(`[${elapsed(began).toFixed(0).padStart(4)} s] ${step.title} ...`);
          const ended = await measured(step, () => undefined);
          write(`[${elapsed(began).toFixed(0).padStart(4)} s] ${ended}`);
        } else await allOrFirstError(step.map(plain));
      }
    };
    await plain(steps);
    return timed;
  }

  // Loaded only here: a pipe needs none.
  const { Listr } = await import("listr2");
  const tasks = (list: Steps): ListrTask[] =>
    list.map((step) =>
      "run" in step
        ? {
            title: step.title,
            task: async (_context, task) => {
              const start = clock();
              const tick = setInterval(() => (task.title = `${step.title} (${elapsed(start).toFixed(0)} s)`), SECOND_MS);
              try {
                task.title = await measured(step, (line) => (task.output = line));
              } finally {
                clearInterval(tick);
              }
            },
          }
        : { task: (_context, task) => task.newListr(step.map((branch) => ({ task: (_c: unknown, inner: typeof task) => inner.newListr(tasks(branch)) })), { concurrent: true, exitOnError: true }) },
    );
  await new Listr(tasks(steps), { rendererOptions: { collapseSubtasks: false }, registerSignalListeners: false }).run();
  return timed;
}

/** Waits for all, so that nothing is left running behind an error; then throws the first. */
async function allOrFirstError(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}
