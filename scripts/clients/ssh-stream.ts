/** Streams what a script on one node writes into a program on another, through this machine and with flat memory. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { sshArguments, SshFailure, sshFailure, type ScriptRun, type SshTarget } from "./ssh";

/** Enough of what a program says of its trouble. */
const MAX_COMPLAINT = 4_000;
/** So long, in milliseconds, a receiver that closed its input may still say why. */
const LAST_WORDS_MS = 5_000;

export interface StreamEnds {
  readonly from: SshTarget;
  /** Comes by standard input, so it may hold secrets; what it writes to standard output is streamed. */
  readonly script: string;
  readonly to: SshTarget;
  /** For `sh`; reads the stream from standard input. It is seen in the node's list of processes: no secret may be in it. */
  readonly command: string;
}

export interface StreamOptions extends Pick<ScriptRun, "variables" | "signal"> {
  /** Bytes that went through since the last call. */
  readonly onBytes?: (count: number) => void;
  /** Program that stands for ssh. @default the system's ssh */
  readonly program?: string;
}

/** Root where sudo asks no password, as for scripts; the command is an argument, since standard input is the stream's. */
function asCommand(command: string): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  return `sh -c ${quoted('if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then exec sudo -n sh -c "$1"; else exec sh -c "$1"; fi')} sh ${quoted(command)}`;
}

/**
 * @returns how many bytes went through
 * @throws SshFailure of the end that failed first: the receiving one when it closed the stream on the sender, else the sending one
 */
export async function streamBetween({ from, script, to, command }: StreamEnds, { variables, signal, onBytes, program = "ssh" }: StreamOptions = {}): Promise<number> {
  if (signal?.aborted) throw new SshFailure("interrupted", `${from.name} was not asked: interrupted`);
  const folder = await mkdtemp(join(tmpdir(), "gvfx-ssh-"));
  const started: ChildProcess[] = [];
  let lastWords: NodeJS.Timeout | undefined;
  try {
    const knownHosts = join(folder, "known_hosts");
    await writeFile(knownHosts, `${from.name} ${from.hostKey}\n${to.name} ${to.hostKey}\n`, { mode: 0o600 });
    const options = variables ? { env: { ...variables } } : {};
    const sender = spawn(program, sshArguments(from, knownHosts), { stdio: ["pipe", "pipe", "pipe"], ...options });
    const receiver = spawn(program, sshArguments(to, knownHosts, asCommand(command)), { stdio: ["pipe", "ignore", "pipe"], ...options });
    started.push(sender, receiver);
    let total = 0;
    const count = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        total += chunk.length;
        onBytes?.(chunk.length);
        done(null, chunk);
      },
    });
    const [sent, received] = [ended(from, sender), ended(to, receiver)];
    sender.stdin.on("error", () => undefined).end(script);
    const piped = pipeline(sender.stdout, count, receiver.stdin, { signal }).then(
      () => undefined,
      (error: Error) => {
        // The end that is left would wait for the other one for ever. Only a receiver breaks the stream off: it has failed, and says why.
        sender.kill("SIGTERM");
        if (signal?.aborted) receiver.kill("SIGTERM");
        else lastWords = setTimeout(() => receiver.kill("SIGTERM"), LAST_WORDS_MS);
        return error;
      },
    );
    const [pipeError, sendError, receiveError] = await Promise.all([piped, sent, received]);
    if (signal?.aborted) throw new SshFailure("interrupted", `the stream from ${from.name} to ${to.name} was interrupted`);
    const failed = (pipeError ? [receiveError, sendError] : [sendError, receiveError]).find((error) => error !== undefined && error.reason !== "interrupted") ?? sendError ?? receiveError;
    if (failed) throw failed;
    if (pipeError) throw new SshFailure("other", `the stream from ${from.name} to ${to.name} broke off: ${pipeError.message}`);
    return total;
  } finally {
    clearTimeout(lastWords);
    for (const child of started) child.kill("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  }
}

/** Undefined when a program ended well; one that was ended from here is "interrupted". */
async function ended(target: SshTarget, child: ChildProcess): Promise<SshFailure | undefined> {
  let complaint = "";
  child.stderr!.on("data", (chunk: Buffer) => (complaint = (complaint + chunk.toString("utf8")).slice(-MAX_COMPLAINT)));
  try {
    const [status, killed] = (await once(child, "close")) as [number | null, string | null];
    if (status === 0) return undefined;
    return killed === "SIGTERM" ? new SshFailure("interrupted", `${target.name} was stopped`) : sshFailure(target, status, complaint);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return new SshFailure(code === "ENOENT" ? "no-ssh" : "other", code === "ENOENT" ? "there is no ssh program on this machine" : message);
  }
}
