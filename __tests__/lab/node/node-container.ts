/** A node and a user's device in the real engine, on a network of their own, as LabStack makes them. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the image is built from; debian is also what runs inside the node's own engine. */
const IMAGES = ["debian:bookworm-slim", "hashicorp/nomad:2.0.5", "hashicorp/consul:1.21.4"];
export const INNER_IMAGE = IMAGES[0];
const NODE_IMAGE = "gvfx-lab/node:lab";
/** As in constructs/lab/nodes.ts. */
const RIGHTS = [
  ...["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "MKNOD", "DAC_READ_SEARCH", "SYS_NICE", "IPC_LOCK"].flatMap((right) => ["--cap-add", right]),
  ...["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup"],
];
/** An engine in an engine that starts on a busy machine. */
const READY_WITHIN_MS = 90_000;

function missing(): string | undefined {
  if (spawnSync("docker", ["info"]).status !== 0) return "no Docker engine answers";
  const absent = IMAGES.filter((image) => spawnSync("docker", ["image", "inspect", image]).status !== 0);
  return absent.length ? `not in the engine: ${absent.join(", ")}` : undefined;
}

/** Like `describe`, but visibly skipped where there is no engine or an image is missing. */
export function describeWithEngine(title: string, body: () => void): void {
  const why = missing();
  if (why) describe.skip(`${title} (skipped: ${why})`, body);
  else describe(title, body);
}

function docker(args: readonly string[], input?: string | Buffer): string {
  return execFileSync("docker", args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"], maxBuffer: 1 << 28 }).trim();
}

export class NodeContainer {
  private readonly prefix = `gvfx-test-node-${process.pid}`;
  private readonly folder = mkdtempSync(join(tmpdir(), "gvfx-node-"));
  private readonly subnet = `100.126.${process.pid % 256}`;
  readonly address = `${this.subnet}.11`;

  /** Builds the image, and starts the node and the device. */
  start(): void {
    execFileSync("node", [join(__dirname, "../../../scripts/lab/images.mjs"), "node"], { stdio: "pipe" });
    docker(["network", "create", "--subnet", `${this.subnet}.0/24`, this.prefix]);
    docker(["run", "--detach", "--init", "--name", `${this.prefix}-device`, "--network", this.prefix, "--entrypoint", "sleep", NODE_IMAGE, "infinity"]);
    this.device("ssh-keygen -q -t ecdsa -N '' -f ~/host && mkdir -m 700 -p ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519");
    this.device(`printf '%s %s\\n' ${this.address} "$(cut -d' ' -f1,2 ~/host.pub)" >~/.ssh/known_hosts`);
    docker(["create", "--name", this.prefix, "--hostname", "server-1", "--network", this.prefix, "--ip", this.address, "--env", "GVFX_LAB_ROLE=app", ...RIGHTS, "--volume", `${this.prefix}:/var/lib/docker`, NODE_IMAGE]);
    this.place("/etc/ssh/ssh_host_ecdsa_key", this.device("cat ~/host") + "\n", 0o600);
    docker(["start", this.prefix]);
    docker(["exec", "--interactive", this.prefix, "sh", "-c", "umask 077; mkdir -p ~/.ssh && cat >~/.ssh/authorized_keys"], this.device("cat ~/.ssh/id_ed25519.pub") + "\n");
  }

  /** Waits until it is true. @throws Error with the node's last lines when that takes too long */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!isTrue()) {
      if (Date.now() > deadline) throw new Error(`never: ${what}. The node's last lines:\n${docker(["logs", "--tail", "15", this.prefix])}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async booted(): Promise<void> {
    await this.until("the node has booted", () => this.sh("systemctl is-system-running").out === "running");
  }

  /** Stops and starts it, as `docker restart` or a crash of the machine does. @returns seconds that the stop took */
  restart(how: "restart" | "kill"): number {
    const begun = Date.now();
    docker(how === "restart" ? ["stop", this.prefix] : ["kill", this.prefix]);
    const took = (Date.now() - begun) / 1000;
    docker(["start", this.prefix]);
    return took;
  }

  pause(paused: boolean): void {
    docker([paused ? "pause" : "unpause", this.prefix]);
  }

  /** Runs a command on the node; its exit code and output. */
  sh(script: string): { readonly code: number | null; readonly out: string } {
    const { status, stdout, stderr } = spawnSync("docker", ["exec", this.prefix, "/bin/sh", "-c", script], { encoding: "utf8" });
    return { code: status, out: `${stdout}${stderr}`.trim() };
  }

  /** Runs a command on the device, which must succeed. */
  device(script: string): string {
    return docker(["exec", `${this.prefix}-device`, "/bin/sh", "-c", script]);
  }

  /** Over SSH from the device, with the host key pinned. */
  ssh(script: string): string {
    return this.device(`ssh -o StrictHostKeyChecking=yes -o BatchMode=yes -o ConnectTimeout=5 root@${this.address} '${script}'`);
  }

  /** What the device gets from a port of the node, nothing when it gets no answer. */
  fetch(port: number | string): string {
    return this.device(`curl --silent --fail --max-time 2 http://${this.address}:${port}/ || true`);
  }

  /** Puts a file on the node. */
  place(path: string, content: string, mode = 0o644): void {
    const file = join(this.folder, "file");
    writeFileSync(file, content);
    chmodSync(file, mode);
    docker(["cp", file, `${this.prefix}:${path}`]);
  }

  /** Gives the node's engine an image of this one. */
  load(image: string): void {
    docker(["exec", "--interactive", this.prefix, "docker", "load"], execFileSync("docker", ["save", image], { maxBuffer: 1 << 30 }));
  }

  remove(): void {
    for (const args of [["rm", "--force", "--volumes", this.prefix, `${this.prefix}-device`], ["volume", "rm", this.prefix], ["network", "rm", this.prefix]]) spawnSync("docker", args);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
