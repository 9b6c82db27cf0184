/** The containment of a container, in PID namespaces made for it: with an init as Docker makes one, and with the wrapper as PID 1. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { careless, detached, forking, stubborn } from "./families";
import { AS_NOBODY, DEAD_WITHIN_MS, describeEachRuntime, describeOnLinux, Folder, INIT, MODULES, NAMESPACE, Wrapper, type WrapperOptions } from "./programs";

const folder = new Folder();
const wrappers: Wrapper[] = [];
function wrapper(options: Omit<WrapperOptions, "kind">): Wrapper {
  const made = new Wrapper({ ...options, kind: "container" });
  wrappers.push(made);
  return made;
}
afterEach(() => wrappers.splice(0).forEach((w) => w.end()));
afterAll(() => folder.remove());

const PLACES = [{ place: "as PID 1", under: NAMESPACE }, ...(INIT ? [{ place: "under an init", under: [...NAMESPACE, INIT, "--"] }] : [])];

describeOnLinux("containment of a container", "root", () => {
  if (!INIT) test.skip("under an init (skipped: neither tini nor docker-init is here)", () => undefined);

  describeEachRuntime((runtime) => {
    describe.each(PLACES)("$place", ({ under }) => {
      test.each([["detached", detached], ["forking", forking]] as const)("killAll ends %s children, and says so when they are dead", async (_, family) => {
        const { command, count } = family(folder);
        const w = wrapper({ runtime, under, command: [command] }).tell("start");
        await w.has(count);
        const { dead } = await w.tell("kill").hears("dead");
        expect(w.alive()).toEqual([]);
        expect(dead).toBeLessThan(DEAD_WITHIN_MS);
        expect(await w.hears("exited")).toMatchObject({ exited: 137 });
      });

      test.each([["detached", detached], ["forking", forking]] as const)("killed itself, it takes %s children with it", async (_, family) => {
        const { command, count } = family(folder);
        const w = wrapper({ runtime, under, command: [command] }).tell("start");
        await w.has(count);
        const { ms, left } = await w.killed(DEAD_WITHIN_MS);
        expect(left).toEqual([]);
        expect(ms).toBeLessThan(DEAD_WITHIN_MS);
      });

      test("zombies count as dead", async () => {
        const w = wrapper({ runtime, under, command: [careless(folder)] }).tell("start");
        await w.has(6);
        await w.tell("kill").hears("dead");
        const zombies = spawnSync("ps", ["-o", "stat=", "--ppid", String(w.pid())], { encoding: "utf8" }).stdout;
        // Neither runtime reaps what it adopted, so that there is something to take for alive.
        if (under === NAMESPACE) expect(zombies).toContain("Z");
        expect(w.alive()).toEqual([]);
      });

      test("signals reach the command, and its end is passed on", async () => {
        const heeds = folder.script("heeds", "trap 'exit 3' TERM\nsleep 1000 & wait");
        const w = wrapper({ runtime, under, command: [heeds] }).tell("start");
        await w.has(2);
        expect(await w.tell("SIGTERM").hears("exited")).toMatchObject({ exited: 3 });
        const killed = wrapper({ runtime, under, command: ["sh", "-c", "kill -USR1 $$"] }).tell("start");
        expect(await killed.hears("exited")).toMatchObject({ exited: 138 });
      });

      test("starts again after everything is dead", async () => {
        const w = wrapper({ runtime, under, command: [stubborn(folder)] }).tell("start");
        await w.has(1);
        await w.tell("kill").hears("dead");
        w.tell("start");
        await w.has(1);
        w.said.length = 0;
        await w.tell("kill").hears("dead");
        expect(w.alive()).toEqual([]);
      });
    });
  });

  const runtime = process.execPath;

  test("refuses a command that is not there", async () => {
    const w = wrapper({ runtime, under: NAMESPACE, command: ["no-such-program"] }).tell("start");
    expect((await w.hears("refused")).refused).toMatch(/^no-such-program cannot be started: no executable file of that name in PATH \(/);
  });

  test("refuses the host's namespace", async () => {
    const w = wrapper({ runtime, command: ["true"] }).tell("start");
    expect((await w.hears("problem")).problem).toMatch(/host's PID namespace|PID 1 is /);
    expect((await w.hears("refused")).refused).toMatch(/Nothing is started.*init = true/s);
  });

  test("refuses where PID 1 would outlive us", async () => {
    const w = wrapper({ runtime, under: [...NAMESPACE, "sh", "-c", '"$@"; exit $?', "sh"], command: ["true"] });
    expect((await w.hears("problem")).problem).toContain("PID 1 is sh and our parent is PID 1: were we killed, the worker might live on");
  });

  /** Whether a process that was there before is left alone. */
  async function spares(modules: string): Promise<boolean> {
    const w = wrapper({ runtime, modules, under: [...NAMESPACE, "sh", "-c", 'GVFX_MARK=$GVFX_MARK_OF_CHILDREN sleep 1000 & exec "$@"', "sh"], command: ["sleep", "1000"] });
    await w.has(1);
    const [stranger] = w.alive();
    await w.tell("start", "kill").hears("dead");
    return w.alive().includes(stranger);
  }
  test("leaves alone who was there before: the namespace is not ours", async () => {
    expect(await spares(MODULES)).toBe(true);
    expect(await spares(folder.planted("containment-container.mjs", ["return strangers.length === 0 ?", "return true ?"]))).toBe(false);
  });

  /** Whether nothing lives once everything is said to be dead. */
  async function killsAll(modules: string): Promise<boolean> {
    const { command, count } = detached(folder);
    const w = wrapper({ runtime, modules, under: NAMESPACE, command: [command] }).tell("start");
    await w.has(count);
    await w.tell("kill").hears("dead");
    return w.alive().length === 0;
  }
  test("planted: killing the command alone leaves what it detached", async () => {
    expect(await killsAll(MODULES)).toBe(true);
    expect(await killsAll(folder.planted("containment-container.mjs", ['process.kill(-1, "SIGKILL");', 'started.child.kill("SIGKILL");'], ["const left = others();", "const left = others().slice(0, 0);"]))).toBe(false);
  });

  test("planted: taking zombies for alive never comes to an end", async () => {
    const w = wrapper({ runtime, modules: folder.planted("containment-processes.mjs", ['(state !== "Z" && state !== "X") || threads > 1', 'state !== "X"']), under: NAMESPACE, command: [careless(folder)] }).tell("start");
    await w.has(6);
    expect((await w.tell("kill").hears("message")).message).toMatch(/^killed and not dead after 500 ms: /);
    expect(w.said.some((said) => "dead" in said)).toBe(false);
  });

  (INIT ? test : test.skip)("whom it may not kill, it ends by ending the container", async () => {
    const setuid = join(folder.path, "become-root");
    copyFileSync("/usr/bin/setpriv", setuid);
    chmodSync(setuid, 0o4755);
    const w = wrapper({ runtime, under: [...NAMESPACE, INIT as string, "--", ...AS_NOBODY], command: [setuid, "--reuid", "0", "--regid", "0", "--clear-groups", "sleep", "1000"] }).tell("start");
    await w.has(1);
    expect((await w.tell("kill").hears("message")).message).toMatch(/belongs to another user .* ending ourselves/);
    expect(await w.ended).toBe(137);
    expect(w.alive()).toEqual([]);
  });
});
