/** The loop around the protocol, with a containment and a Consul that do what a test says, and a clock that it sets. */
import { keepingLog, program, settingsWith, type Outcome, type Program, type Started } from "./program";

export const settled = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

export function stage(of: Program = program, { fenced = false }: { readonly fenced?: boolean } = {}) {
  jest.useFakeTimers();
  let at = 0;
  const { log, lines } = keepingLog();
  const done: string[] = [];
  const exits: number[] = [];
  const asked: Outcome[] = [];
  /** By effect: what Consul answers. Without an answer it stays open. */
  const answers: Record<string, (effect: Outcome) => Outcome | undefined> = {
    observe: () => ({ type: "observed", owner: "nomad", ownerIndex: 7, holder: null }),
    "create-session": () => ({ type: "session-created", session: "s1", sentAt: at }),
    acquire: ({ session }) => ({ type: "acquired", session }),
    renew: ({ session }) => ({ type: "renewed", session, sentAt: at, owner: "nomad" }),
    release: ({ session }) => ({ type: "released", session }),
    destroy: ({ session }) => ({ type: "destroyed", session }),
  };
  let end: (code: number) => void = () => undefined;
  const containment = {
    problem: () => undefined,
    start: (command: readonly string[], environment: Readonly<Record<string, string | undefined>>): Started => {
      done.push(`start ${command.join(" ")} ${JSON.stringify(environment)}`);
      return { pid: 42, exited: new Promise((resolve) => (end = (code) => resolve({ code }))) };
    },
    signal: (name: string) => void done.push(`signal ${name}`),
    killAll: () => {
      done.push("kill");
      end(137);
      return Promise.resolve();
    },
  };
  const consul = {
    perform: (effect: Outcome) => {
      asked.push(effect);
      const outcome = answers[effect.type](effect);
      return outcome !== undefined ? Promise.resolve(outcome) : new Promise<Outcome>(() => undefined);
    },
  };
  let unarmed: (why: string) => void = () => undefined;
  const fence = {
    state: "armed",
    environment: (environment: Readonly<Record<string, string>>) => ({ ...environment, FENCE: "1" }),
    guard: (_: Started, deadline: number, call: (why: string) => void) => {
      done.push(`fence at ${deadline}`);
      unarmed = call;
    },
    renew: (deadline: number) => void done.push(`fence at ${deadline}`),
  };
  const loop = new of.Loop({ settings: settingsWith(), command: ["bun", "worker.ts"], environment: { A: "1" }, consul, containment, ...(fenced ? { fence } : {}), now: () => at, log, exit: (code) => exits.push(code) });
  return {
    loop, lines, done, exits, asked, answers, containment,
    unarmed: async (why: string) => {
      unarmed(why);
      await settled();
    },
    ends: async (code: number) => {
      end(code);
      await settled();
    },
    /** Time passes for clock and timers alike. */
    passes: async (ms: number) => {
      for (let left = ms; left > 0; left -= 100) {
        at += Math.min(100, left);
        jest.advanceTimersByTime(Math.min(100, left));
        await settled();
      }
    },
    /** The machine stands still: only the clock, which sees suspends, goes on. */
    sleeps: (ms: number) => (at += ms),
    async runs() {
      loop.run();
      await settled();
      expect(loop.state.phase).toBe("active");
    },
  };
}
