/** How far a drill is: plain lines with elapsed times, and at a terminal a last line that lives. */

export interface Progress {
  readonly begin: (title: string) => void;
  readonly say: (line: string) => void;
  readonly end: (outcome: string, ok: boolean) => void;
  /** Takes the living line away. */
  readonly close: () => void;
}

export interface ProgressProps {
  readonly terminal: boolean;
  /** Writes a line. */
  readonly write: (line: string) => void;
  /** Writes without a line's end; at a terminal only. */
  readonly writeRaw?: (text: string) => void;
  /** Characters that fit into a line of the terminal. @default 100 */
  readonly columns?: number;
  readonly clock?: () => number;
}

const SECOND_MS = 1_000;
const CLEAR = "\r\u001b[2K";

export function drillProgress({ terminal, write, writeRaw = () => undefined, columns = 100, clock = Date.now }: ProgressProps): Progress {
  const began = clock();
  let title: string | undefined;
  let last = "";
  let caseBegan = began;
  const stamp = (): string => `[${((clock() - began) / 1_000).toFixed(0).padStart(5)} s]`;
  const live = (): void => {
    if (terminal && title !== undefined) writeRaw(`${CLEAR}${`${stamp()} ${title}, ${((clock() - caseBegan) / 1_000).toFixed(0)} s: ${last}`.slice(0, columns - 1)}`);
  };
  const line = (text: string): void => {
    if (terminal) writeRaw(CLEAR);
    write(text);
    live();
  };
  const timer = terminal ? setInterval(live, SECOND_MS) : undefined;
  timer?.unref();
  return {
    begin: (what) => {
      [title, last, caseBegan] = [what, "all is made as the case wants it", clock()];
      if (terminal) live();
      else write(`${stamp()} ${what} ...`);
    },
    say: (what) => {
      last = what;
      if (terminal && title !== undefined) live();
      else line(`${stamp()}   ${what}`);
    },
    end: (outcome, ok) => {
      const [of, took] = [title ?? "", ((clock() - caseBegan) / 1_000).toFixed(0)];
      title = undefined;
      line(`${stamp()} ${ok ? "held  " : "FAILED"} ${of} (${took} s)\n${" ".repeat(10)}${outcome}`);
    },
    close: () => {
      clearInterval(timer);
      title = undefined;
      if (terminal) writeRaw(CLEAR);
    },
  };
}
