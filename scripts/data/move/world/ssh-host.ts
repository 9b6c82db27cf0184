/** The legacy host by SSH, or by whatever runs a script on it. */
import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Duration } from "../../../../contracts/units";
import { TIMESCALE_KEY, TIMESCALE_SWITCHES } from "../app-variables";
import { PROGRAMS, WRITERS, type HostFile, type HostSeen, type LegacyHost, type Writer, type WriterSeen } from "../world";
import { lookScript, readScript, reachScript, replaceScript, startScript, stopScript, valuesScript } from "./host-scripts";
import { inCheckout } from "./shell";

/** A start answers at once, and its process is there within a second; a busy host takes longer. */
const THERE_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 500;
/** Byte by byte: whatever an env file is written in, it comes back as it was. */
const BYTES = "latin1";

export interface HostCommands {
  readonly checkout: string;
  readonly pidFiles: Readonly<Record<Writer, string>>;
  /** Stops the writer; undefined: by its PID. */
  readonly stop: Readonly<Record<Writer, string | undefined>>;
  readonly start: Readonly<Record<Writer, string>>;
  /** From SIGTERM, or from the command's end, to SIGKILL. */
  readonly grace: Duration;
}

/** @param run runs a script with `sh` on the host and returns the lines it printed. @throws when it ends with another status than 0 */
export function legacyHost(commands: HostCommands, run: (script: string) => Promise<readonly string[]>): LegacyHost {
  const { checkout, pidFiles, stop, start, grace } = commands;
  const there = (body: string): Promise<readonly string[]> => run(inCheckout(checkout, body));
  const look = async (): Promise<HostSeen> => readLook(await there(lookScript(WRITERS.map((name) => ({ name, pidFile: pidFiles[name], program: PROGRAMS[name] })), [TIMESCALE_KEY, ...TIMESCALE_SWITCHES])), checkout);
  return {
    look,
    reaches: async (url) => (await there(reachScript(url))).includes("yes"),
    async readFile(path): Promise<HostFile | undefined> {
      const [line] = (await there(readScript(path))).filter((text) => text.startsWith("text"));
      if (line === undefined) return undefined;
      const bytes = Buffer.from(line.slice("text ".length), "base64");
      return { text: bytes.toString(BYTES), sha256: createHash("sha256").update(bytes).digest("hex") };
    },
    replaceFile: async (path, text, options) => void (await there(replaceScript(path, Buffer.from(text, BYTES), options))),
    async envValues(path, keys) {
      const lines = await there(valuesScript(path, keys));
      return Object.fromEntries(lines.flatMap((line) => (line.startsWith("value ") ? [[line.split(" ")[1], decoded(line.split(" ")[2])]] : [])));
    },
    stop: async (writer) => void (await there(stopScript({ pidFile: pidFiles[writer], program: PROGRAMS[writer], command: stop[writer], grace }))),
    async start(writers) {
      // The worker first: the app's own script starts what does not run, and would start a plain worker beside the API.
      for (const writer of WRITERS.filter((name) => writers.includes(name))) {
        if ((await look()).writers[writer].running) continue;
        await there(startScript(start[writer]));
        await appears(writer, look);
      }
    },
  };
}

async function appears(writer: Writer, look: () => Promise<HostSeen>): Promise<void> {
  const until = Date.now() + THERE_WITHIN_MS;
  for (;;) {
    const { running, ours } = (await look()).writers[writer];
    if (running && ours) return;
    if (Date.now() >= until) throw new Error(running ? `the pid file of the legacy ${writer} names process ${running.pid} after its start, which is "${running.args}"; see its log on the legacy host` : `the legacy ${writer} was started, and no process is there that its pid file names after ${THERE_WITHIN_MS / 1_000} s; see its log on the legacy host, and repeat`);
    await pause(LOOK_EVERY_MS);
  }
}

const decoded = (word = ""): string => Buffer.from(word, "base64").toString("utf8");

function readLook(lines: readonly string[], checkout: string): HostSeen {
  const words = lines.map((line) => line.split(" "));
  const parents = new Map(words.filter(([kind]) => kind === "process").map(([, pid, parent]) => [Number(pid), Number(parent)]));
  const writer = (name: Writer): WriterSeen => {
    const [, , pid, args, url] = words.find(([kind, of]) => kind === "running" && of === name) ?? [];
    const running = pid === undefined ? undefined : { pid: Number(pid), args: decoded(args) };
    const variables = Object.fromEntries(words.flatMap(([kind, of, key, value]) => (kind === "variable" && of === name ? [[key, decoded(value)]] : [])));
    // A worker below its lease is a child of what the pid file names.
    const strangers = words.flatMap(([kind, of, match, matched, cwd]) => (kind === "match" && of === name && !descends(Number(match), running?.pid, parents) && inside(decoded(matched), decoded(cwd), checkout) ? [{ pid: Number(match), args: decoded(matched) }] : []));
    return { running, ours: running !== undefined && running.args.includes(PROGRAMS[name]), convexUrl: decoded(url) || undefined, variables, strangers };
  };
  const free = words.find(([kind]) => kind === "free")?.[1];
  if (free === undefined) throw new Error("the legacy host did not say how much space is free where the checkout is (df -Pk .); see that it runs there");
  return { writers: { worker: writer("worker"), api: writer("api") }, freeBytes: Number(free) * 1_024 };
}

/** Also itself. */
function descends(pid: number, from: number | undefined, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) if (at === from) return true;
  return false;
}

/** Another checkout's process, or a container's, is not this app's; nor is an editor that has the file open. */
const inside = (args: string, cwd: string, checkout: string): boolean => /\b(bun|node)\b/.test(args) && (args.includes(`${checkout}/`) || cwd === checkout || cwd.startsWith(`${checkout}/`));
