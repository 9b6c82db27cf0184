/** The containment on a Linux host, as root and as somebody else: namespaces made by the host's own util-linux. */
import { detached, forking, stubborn } from "./families";
import { AS_NOBODY, DEAD_WITHIN_MS, describeOnLinux, Folder, LIVES_ON_AFTER_MS, MODULES, describeEachRuntime, until, Wrapper, type WrapperOptions } from "./programs";

const folder = new Folder();
const wrappers: Wrapper[] = [];
function wrapper(options: Omit<WrapperOptions, "kind">): Wrapper {
  const made = new Wrapper({ ...options, kind: "host" });
  wrappers.push(made);
  return made;
}
afterEach(() => wrappers.splice(0).forEach((w) => w.end()));
afterAll(() => folder.remove());

const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));
/** unshare, the namespace's first process, and the command. */
const OURS = 2;

const USERS = [...(process.geteuid?.() === 0 ? [{ user: "root", needs: "root" as const, under: [] as string[] }] : []), { user: "another user", needs: "user namespaces" as const, under: process.geteuid?.() === 0 ? AS_NOBODY : [] }];

describe.each(USERS)("as $user", ({ needs, under }) => {
  describeOnLinux("containment on a host", needs, () => {
    describeEachRuntime((runtime) => {
      test.each([["detached", detached], ["forking", forking]] as const)("killAll ends %s children, and says so when they are dead", async (_, family) => {
        const { command, count } = family(folder);
        const w = wrapper({ runtime, under, command: [command] }).tell("start");
        await w.has(count + OURS);
        const { dead } = await w.tell("kill").hears("dead");
        expect(w.alive()).toEqual([]);
        expect(dead).toBeLessThan(DEAD_WITHIN_MS);
        expect(await w.hears("exited")).toMatchObject({ exited: 137 });
      });

      test.each([["detached", detached], ["forking", forking]] as const)("killed itself, it takes %s children with it", async (_, family) => {
        const { command, count } = family(folder);
        const w = wrapper({ runtime, under, command: [command] }).tell("start");
        await w.has(count + OURS);
        // Death signals belong to the thread that started us: they must not come while it is well.
        await sleep(500);
        expect(w.alive().length).toBeGreaterThan(count / 2);
        const { ms, left } = await w.killed(DEAD_WITHIN_MS);
        expect(left).toEqual([]);
        expect(ms).toBeLessThan(DEAD_WITHIN_MS);
      });

      test("killed at any moment of a start, it leaves nothing", async () => {
        const outlived = async (delay: number) => {
          const command = stubborn(folder);
          const w = wrapper({ runtime, under, command: [command] });
          await w.hears("problem");
          w.tell("start");
          await sleep(delay);
          return (await w.isOutlivedBy(command)) && delay;
        };
        for (const delays of [[0, 4, 8, 12], [16, 20, 25, 30], [40, 60, 80, 100]]) expect((await Promise.all(delays.map(outlived))).filter((delay) => delay !== false)).toEqual([]);
      });

      test("when the command ends, what it left ends too, and its code is passed on", async () => {
        const { command } = detached(folder);
        const w = wrapper({ runtime, under, command: ["sh", "-c", `${command} & sleep 0.3; exit 7`] }).tell("start");
        expect(await w.hears("exited")).toMatchObject({ exited: 7 });
        expect(w.alive()).toEqual([]);
      });

      test("when somebody kills what stands between us and the command, the command ends, and that is passed on", async () => {
        for (const between of [0, 1]) {
          const w = wrapper({ runtime, under, command: [stubborn(folder)] }).tell("start");
          await w.has(1 + OURS);
          // In the order of their start: unshare, the namespace's first process, the command.
          process.kill(w.alive().sort((a, b) => a - b)[between], "SIGKILL");
          expect((await w.hears("exited")).exited).not.toBe(0);
          await w.tell("kill").hears("dead");
          expect(w.alive()).toEqual([]);
        }
      });

      test("signals reach the command at the PID that is told, also when it handles none", async () => {
        const heeds = folder.script("heeds", "trap 'exit 3' TERM\nsleep 1000 & wait");
        const w = wrapper({ runtime, under, command: [heeds] }).tell("start");
        await w.has(2 + OURS);
        await sleep(100);
        expect(await w.tell("SIGTERM").hears("exited")).toMatchObject({ exited: 3 });
        const plain = wrapper({ runtime, under, command: ["sleep", "1000"] }).tell("start");
        await plain.has(1 + OURS);
        await sleep(100);
        const end = await plain.tell("SIGTERM").hears("exited");
        expect(end).toMatchObject({ exited: 143 });
      });

      test("a signal that comes before the command is there is kept for it", async () => {
        const w = wrapper({ runtime, under, command: ["sleep", "1000"] }).tell("start", "SIGTERM");
        expect(await w.hears("exited")).toMatchObject({ exited: 143 });
      });

      test("starts again after everything is dead, and not before", async () => {
        const w = wrapper({ runtime, under, command: [stubborn(folder)] }).tell("start");
        await w.has(1 + OURS);
        expect((await w.tell("start").hears("refused")).refused).toMatch(/not dead yet/);
        await w.tell("kill").hears("dead");
        w.tell("start");
        await w.has(1 + OURS);
        w.said.length = 0;
        await w.tell("kill").hears("dead");
        expect(w.alive()).toEqual([]);
      });
    });

    const runtime = process.execPath;

    /** Whether nothing outlives a wrapper that is killed. */
    async function diesWithIt(modules: string): Promise<boolean> {
      const { command, count } = detached(folder);
      const w = wrapper({ runtime, under, modules, command: [command] }).tell("start");
      await w.has(count);
      return (await w.killed(LIVES_ON_AFTER_MS)).left.length === 0;
    }
    test("planted: without either of the two death signals, the worker lives on", async () => {
      expect(await diesWithIt(MODULES)).toBe(true);
      expect(await diesWithIt(folder.planted("containment-namespace.mjs", ['"--pdeathsig", "KILL"', '"--pdeathsig", "clear"']))).toBe(false);
      expect(await diesWithIt(folder.planted("containment-namespace.mjs", [', "--kill-child=KILL"', ""]))).toBe(false);
    });

    /** Whether nothing starts when the wrapper dies while setpriv, made slow here, has yet to ask for the death signal. */
    async function closesTheRace(modules: string): Promise<boolean> {
      folder.script("setpriv", `sleep 0.3\nexec /usr/bin/setpriv "$@"`);
      const command = stubborn(folder);
      const w = wrapper({ runtime, under, modules, path: folder.path, command: [command] });
      await w.hears("problem");
      w.tell("start");
      await until(() => w.alive().length > 0, "setpriv is starting");
      return !(await w.isOutlivedBy(command));
    }
    test("the gate stays shut when the wrapper dies before the death signals are set", async () => {
      expect(await closesTheRace(MODULES)).toBe(true);
      expect(await closesTheRace(folder.planted("containment-host.mjs", ['[ "$word" = ${OPEN} ]', "true"], ["read -r word &&", "read -r word;"]))).toBe(false);
    });

    test("refuses a command that is not there", async () => {
      const w = wrapper({ runtime, under, command: ["no-such-program"] }).tell("start");
      expect((await w.hears("refused")).refused).toMatch(/^no-such-program cannot be started: no executable file of that name in PATH \(/);
    });
  });
});

describeOnLinux("containment on a host", "root", () => {
  const runtime = process.execPath;

  test("the command may become another user, and dies with the wrapper all the same", async () => {
    const w = wrapper({ runtime, command: [...AS_NOBODY, detached(folder).command] }).tell("start");
    await w.has(detached(folder).count + OURS);
    expect((await w.killed(DEAD_WITHIN_MS)).left).toEqual([]);
  });

  test("planted: a command in place of the namespace's first process loses its death signal with its user", async () => {
    const modules = folder.planted("containment-host.mjs", ['{ "$@" </dev/null 2>&9 9>&-; } 9>&2 2>/dev/null; exit $?', 'exec "$@" </dev/null']);
    const w = wrapper({ runtime, modules, command: [...AS_NOBODY, stubborn(folder)] }).tell("start");
    await w.has(3);
    expect((await w.killed(LIVES_ON_AFTER_MS)).left).not.toEqual([]);
  });
});
