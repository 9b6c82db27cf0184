import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { source } from "./source";

const { exitCode, findProgram, isAlive, named, parseStat, resolved, unshareCommand } = source;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gvfx-contain-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, text = "exit 0"): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

const stat = (name: string, state: string, threads: number) => `4711 (${name}) ${state} 42 4711 4711 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 ${threads} 0 987654 1000 10 18446744073709551615\n`;

describe("a process in /proc", () => {
  it("is read whatever its name holds", () => {
    expect(parseStat(stat("sh) Z 1 (", "S", 3))).toEqual({ pid: 4711, name: "sh) Z 1 (", state: "S", parent: 42, threads: 3, startedAt: "987654" });
  });

  it.each([
    ["S", 1, true], ["R", 4, true], ["D", 1, true], ["T", 1, true], ["t", 1, true],
    ["Z", 1, false], ["X", 1, false], ["Z", 0, false],
    // Its first thread has ended, and another one may well place an order.
    ["Z", 2, true],
  ])("in state %s with %i threads is alive: %s", (state, threads, alive) => {
    expect(isAlive(parseStat(stat("bun", state, threads)))).toBe(alive);
  });

  it("is named with its PID, and many are counted", () => {
    const list = [1, 2, 3, 4, 5, 6, 7].map((pid) => ({ pid, name: "sleep" }));
    expect(named(list.slice(0, 2))).toBe("1 sleep, 2 sleep");
    expect(named(list)).toBe("1 sleep, 2 sleep, 3 sleep, 4 sleep, 5 sleep and 2 more");
  });
});

describe("a command", () => {
  it("is the first executable file of its name in the PATH of its own environment", () => {
    const file = program("echo");
    writeFileSync(join(folder, "text"), "");
    expect(resolved(["echo", "a b"], { PATH: `/nowhere${delimiter}${folder}` })).toEqual([file, "a b"]);
    expect(findProgram("text", folder)).toBeUndefined();
    expect(findProgram(file, undefined)).toBe(file);
    // A folder can be "executed" too.
    expect(findProgram(folder, undefined)).toBeUndefined();
    // Not from wherever we happen to be.
    expect(findProgram("package.json", ".")).toBeUndefined();
  });

  it("is refused when it is not there, and says where it was looked for", () => {
    expect(() => resolved(["no-such"], { PATH: "/nowhere" })).toThrow("no-such cannot be started: no executable file of that name in PATH (/nowhere)");
    expect(() => resolved(["./no-such"], {})).toThrow(/^\.\/no-such cannot be started: no executable file of that name$/);
    expect(() => resolved([], {})).toThrow("no command was given; give one after --");
  });

  it.each([[0, null, 0], [7, null, 7], [null, "SIGTERM", 143], [null, "SIGKILL", 137]])("that ends with code %s, signal %s, ended with %i", (code, signal, result) => {
    expect(exitCode(code, signal)).toBe(result);
  });
});

describe("a PID namespace", () => {
  /** A host whose unshare works only where a shell condition on its arguments, "$*", holds. */
  const host = (condition: string, root: boolean, settings: Record<string, string> = {}) => {
    const setpriv = program("setpriv", `if ${condition}; then exit 7; fi; echo "unshare: unshare failed: Operation not permitted" >&2; exit 1`);
    return unshareCommand({ root, tool: (name) => (name === "setpriv" ? setpriv : `/tools/${name}`), read: (name) => settings[name] });
  };
  const has = (text: string) => `case "$*" in *${text}*) true;; *) false;; esac`;

  it("is root's without a user namespace, with a /proc of its own", () => {
    expect(host("true", true).unshare?.slice(1)).toEqual(["--pdeathsig", "KILL", "--", "/tools/unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "slave", "--"]);
  });

  it("goes without a /proc of its own where that cannot be mounted, and with a user namespace where it must", () => {
    const unmounted = host(`! ${has("--mount-proc")}`, true).unshare ?? [];
    expect(unmounted).not.toContain("--user");
    expect(unmounted.slice(-2)).toEqual(["--kill-child=KILL", "--"]);
    expect(host(has("--user"), true).unshare).toEqual(expect.arrayContaining(["--user", "--map-current-user", "--mount-proc"]));
    expect(host("true", false).unshare).toEqual(expect.arrayContaining(["--user", "--map-current-user", "--mount-proc"]));
  });

  it.each([
    ["kernel.apparmor_restrict_unprivileged_userns", "1", "0"],
    ["kernel.unprivileged_userns_clone", "0", "1"],
    ["user.max_user_namespaces", "0", "15000"],
  ])("that %s forbids is refused, and the fix is said", (name, is, allow) => {
    const { problem, unshare } = host("false", false, { [name]: is });
    expect(unshare).toBeUndefined();
    expect(problem).toContain("no PID namespace can be made for the worker (unshare: unshare failed: Operation not permitted). Nothing is started");
    expect(problem).toContain(`${name} is ${is}`);
    expect(problem).toContain(`echo '${name} = ${allow}' | sudo tee /etc/sysctl.d/`);
    expect(problem).toContain("run this program as root, and the command as its user: ... -- setpriv --reuid USER");
    expect(problem).not.toContain("seccomp");
  });

  it("that something else forbids is refused with what usually helps", () => {
    expect(host("false", true, { "user.max_user_namespaces": "96365" }).problem).toMatch(/use util-linux .*\n.*--security-opt seccomp=unconfined$/);
  });

  it("is refused without its tools", () => {
    expect(unshareCommand({ root: true, tool: (name) => (name === "unshare" ? undefined : name), read: () => undefined }).problem).toMatch(/^unshare not found\. .*apt-get install util-linux$/);
    expect(unshareCommand({ root: true, tool: () => undefined, read: () => undefined }).problem).toMatch(/^setpriv and unshare not found/);
  });
});
