/** Runs a shell script on a node by the system's ssh, so that the operator's own keys, agent and jump hosts count; the host key is the environment's. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Duration, type Port } from "../../contracts/units";

/** A tailnet answers in milliseconds, and a relayed connection within two seconds. */
const CONNECT_TIMEOUT = Duration.seconds(5);
/** Enough of what ssh says of its trouble. */
const MAX_COMPLAINT = 2_000;

export interface SshTarget {
  /** Name of the node, for messages. */
  readonly name: string;
  readonly user: string;
  readonly host: string;
  readonly port: Port;
  /** Public host key. A machine that answers with another one is not spoken to. */
  readonly hostKey: string;
  /** File of the private key to log in with, the only one that is tried. @default what the operator's ssh finds: agent, configuration */
  readonly identityFile?: string;
}

/** Why nothing ran: another host key, no login, nobody there, no ssh program here, interrupted, or something else. */
export type SshFailureReason = "host-key" | "denied" | "unreachable" | "no-ssh" | "interrupted" | "other";

export class SshFailure extends Error {
  constructor(readonly reason: SshFailureReason, message: string) {
    super(message);
    this.name = "SshFailure";
  }
}

export interface ScriptRun {
  /** Environment of the ssh program: where its agent is, its home, its path. @default that of this process */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Sees each line of output as it comes, and may answer by a line to the script's standard input. */
  readonly onLine?: (line: string, answer: (line: string) => void) => void;
}

/** Any login shell reads this. Root, where sudo asks no password: much of a node is not for everybody's eyes. */
const REMOTE_SHELL = `sh -c 'if [ "$(id -u)" -ne 0 ] && sudo -n true 2>/dev/null; then exec sudo -n sh -s; else exec sh -s; fi'`;

/**
 * Arguments of ssh. `HostKeyAlias` makes the pinned key independent of address and port.
 * @param command what the login shell runs: it is seen in the node's list of processes, so no secret may be in it
 */
export function sshArguments(target: SshTarget, knownHosts: string, command = REMOTE_SHELL): string[] {
  const type = target.hostKey.split(" ")[0];
  const settings: Readonly<Record<string, string>> = {
    BatchMode: "yes",
    ConnectTimeout: `${CONNECT_TIMEOUT.seconds}`,
    StrictHostKeyChecking: "yes",
    HostKeyAlias: target.name,
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    // A server has several keys; it must show the one that is pinned. RSA keys sign with SHA-2.
    HostKeyAlgorithms: type === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type,
    CheckHostIP: "no",
    UpdateHostKeys: "no",
    VerifyHostKeyDNS: "no",
    // A shared connection that is open already was checked by another rule.
    ControlPath: "none",
    ControlMaster: "no",
    ClearAllForwardings: "yes",
    PermitLocalCommand: "no",
    ServerAliveInterval: "5",
    ServerAliveCountMax: "2",
    LogLevel: "ERROR",
    ...(target.identityFile === undefined ? {} : { IdentityFile: target.identityFile, IdentitiesOnly: "yes" }),
  };
  return ["-T", "-p", `${target.port}`, "-l", target.user, ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]), "--", target.host, command];
}

/**
 * Runs a script with `sh` on the node and returns its lines of output.
 * @throws SshFailure when it did not run to its end
 */
export async function runScript(target: SshTarget, script: string, options: ScriptRun = {}): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "gvfx-ssh-"));
  try {
    const knownHosts = join(folder, "known_hosts");
    await writeFile(knownHosts, `${target.name} ${target.hostKey}\n`, { mode: 0o600 });
    return await run(target, sshArguments(target, knownHosts), script, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(target: SshTarget, args: readonly string[], script: string, { signal, onLine, variables }: ScriptRun): Promise<string[]> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new SshFailure("interrupted", `${target.name} was not asked: interrupted`));
    const ssh = spawn("ssh", args, { stdio: ["pipe", "pipe", "pipe"], ...(variables ? { env: { ...variables } } : {}) });
    const lines: string[] = [];
    let complaint = "";
    const stop = (): void => {
      ssh.kill("SIGTERM");
      // A jump host's program may outlive ssh and hold its pipes; nobody waits for that.
      for (const pipe of ssh.stdio) pipe?.destroy();
      reject(new SshFailure("interrupted", `${target.name} did not answer in time`));
    };
    signal?.addEventListener("abort", stop, { once: true });

    // A connection that ends takes the pipe with it; the exit status says what happened.
    ssh.stdin.on("error", () => undefined);
    ssh.stderr.on("data", (chunk: Buffer) => (complaint = (complaint + chunk.toString("utf8")).slice(0, MAX_COMPLAINT)));
    createInterface({ input: ssh.stdout }).on("line", (line) => {
      lines.push(line);
      onLine?.(line, (answer) => void ssh.stdin.write(`${answer}\n`));
    });
    ssh.once("error", (error: NodeJS.ErrnoException) => {
      signal?.removeEventListener("abort", stop);
      reject(new SshFailure(error.code === "ENOENT" ? "no-ssh" : "other", error.code === "ENOENT" ? "there is no ssh program on this machine" : error.message));
    });
    ssh.once("close", (status) => {
      signal?.removeEventListener("abort", stop);
      if (status === 0) resolve(lines);
      else reject(sshFailure(target, status, complaint));
    });
    ssh.stdin.write(script);
    // Left open for answers; a script that needs none must not wait for it to end.
    if (!onLine) ssh.stdin.end();
  });
}

const COMPLAINTS: readonly (readonly [RegExp, SshFailureReason])[] = [
  [/host key verification failed|remote host identification has changed|no matching host key type|no .* host key is known/i, "host-key"],
  [/permission denied|too many authentication failures|no more authentication methods/i, "denied"],
  [/timed out|connection refused|no route to host|network is unreachable|could not resolve|connection closed|connection reset|name or service not known/i, "unreachable"],
];

/** @param status of the ssh program; null when a signal ended it */
export function sshFailure(target: SshTarget, status: number | null, complaint: string): SshFailure {
  // 255 is ssh's own; anything else came from the node.
  const reason = status === 255 ? (COMPLAINTS.find(([pattern]) => pattern.test(complaint))?.[1] ?? "other") : "other";
  if (reason === "host-key") {
    const shown = /SHA256:[A-Za-z0-9+/]+/.exec(complaint)?.[0] ?? "a key of another type";
    return new SshFailure(reason, `${target.name} shows ${shown}, not ${fingerprint(target.hostKey)}`);
  }
  const last = complaint.trim().split("\n").at(-1)?.trim();
  return new SshFailure(reason, last || `ssh to ${target.name} ended with status ${status}`);
}

/** As ssh-keygen -l prints it. */
export function fingerprint(hostKey: string): string {
  return `SHA256:${createHash("sha256").update(Buffer.from(hostKey.split(" ")[1] ?? "", "base64")).digest("base64").replace(/=+$/, "")}`;
}
