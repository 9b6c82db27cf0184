/** What a person at a terminal sees while checks run: one line a target. */
import type { Check } from "./check";
import type { Result } from "./runner";

export interface Progress {
  /** To be told as each check ends. */
  readonly onResult: (result: Result) => void;
  /** Ends when every check has, and leaves nothing on the screen. */
  readonly done: () => Promise<void>;
}

export const NO_PROGRESS: Progress = { onResult: () => undefined, done: async () => undefined };

/** Loads its library only here: a pipe needs none. */
export async function terminalProgress(checks: readonly Check[]): Promise<Progress> {
  const { Listr } = await import("listr2");
  const targets = [...new Set(checks.map((check) => check.target))].map((target) => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    return { target, total: checks.filter((check) => check.target === target).length, ended: 0, show: (_title: string): void => undefined, finish, finished };
  });
  const title = ({ target, ended, total }: (typeof targets)[number]): string => `${target}: ${ended} of ${total}`;
  const list = new Listr(
    targets.map((entry) => ({
      title: title(entry),
      task: (_context: unknown, task: { title: string }): Promise<void> => {
        entry.show = (text) => (task.title = text);
        return entry.finished;
      },
    })),
    // The command itself hears an interrupt, and reports what was seen by then.
    { concurrent: true, registerSignalListeners: false, rendererOptions: { clearOutput: true } },
  );
  const running = list.run();
  return {
    onResult: ({ check }) => {
      const entry = targets.find(({ target }) => target === check.target);
      if (!entry) return;
      entry.ended += 1;
      entry.show(title(entry));
      if (entry.ended === entry.total) entry.finish();
    },
    done: async () => void (await running),
  };
}
