/**
 * A node without a machine: the apply script runs under a real /bin/sh in a
 * folder of its own, and what it calls on a node (systemctl, curl, unzip) is
 * played by small programs that read and write that folder.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { APPLY_BODY, applyHead, applySettings, type ApplyMode, type ApplyTimings } from "../../constructs/cluster/apply/script";
import { bundleText, nodeBundle } from "../../constructs/cluster/bundle";
import type { ClusterNode } from "../../constructs/cluster/node";
import { Duration } from "../../contracts/units";
import { cluster, existing, secretsOf, type Cluster } from "./cluster";

/** A script counts whole seconds. */
const TIMINGS: ApplyTimings = {
  peerWait: Duration.seconds(1), settleWait: Duration.seconds(1), answerWait: Duration.seconds(1), stable: Duration.seconds(0), consulWait: Duration.seconds(1), poll: Duration.ms(200),
};

const program = (name: string, version: string): string => `#!/bin/sh\necho '${name} v${version}'\n`;
/** What the example's archives unpack to; their sums are in the environment of the double. */
export const NOMAD_PROGRAM = program("Nomad", "2.0.5");
const CONSUL_PROGRAM = program("Consul", "1.21.4");
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

const SYSTEMCTL = `
case $1 in
  is-active) shift; [ "$1" = --quiet ] && shift; [ -e "$WORLD/active.$1" ] ;;
  restart)
    echo "restart $2" >>"$WORLD/log"
    rm -f "$WORLD/active.$2"
    [ ! -e "$WORLD/broken.$2" ] || exit 1
    touch "$WORLD/active.$2"
    [ "$2" != nomad ] || { touch "$WORLD/healthy.$SELF"; [ -e "$WORLD/peers.$SELF" ] || printf '[]' >"$WORLD/peers.$SELF"; } ;;
  *) echo "$*" >>"$WORLD/log" ;;
esac`;

const CURL = `
output=
for argument; do
  [ "$previous" != --output ] || output=$argument
  previous=$argument
done
url=$argument
host=\${url#*://}
host=\${host%%[:/]*}
answer() { if [ -n "$output" ]; then cat "$1" >"$output"; else cat "$1"; fi; }
echo "curl $*" >>"$WORLD/commands"
case $url in
  *.zip) [ -e "$WORLD/downloads" ] || exit 22; echo "download $url" >>"$WORLD/log"; case $url in *nomad*) answer "$WORLD/nomad.zip" ;; *) answer "$WORLD/consul.zip" ;; esac ;;
  */v1/status/peers*) [ -e "$WORLD/peers.$host" ] || exit 7; answer "$WORLD/peers.$host" ;;
  *:8500/v1/status/leader) [ -e "$WORLD/consul" ] || exit 22; echo '"100.64.0.21:8300"' ;;
  *:8500/v1/agent/health/*) cat >>"$WORLD/asked"; [ -e "$WORLD/consul" ] || exit 22 ;;
  */v1/status/leader) [ -e "$WORLD/leader" ] || exit 22; answer "$WORLD/leader" ;;
  */v1/agent/health*) [ -e "$WORLD/healthy.$host" ] || exit 22 ;;
  */v1/metrics*) printf 'nomad_nomad_autopilot_failure_tolerance %s\\n' "$(cat "$WORLD/tolerance")" ;;
  *) exit 3 ;;
esac`;

export class NodeDouble {
  readonly root = mkdtempSync(join(tmpdir(), "node-"));
  readonly world = join(this.root, "world");
  private readonly bin = join(this.root, "bin");
  readonly cluster: Cluster;

  constructor(readonly node: ClusterNode["name"] = "server-1") {
    this.cluster = cluster(existing((input) => {
      input.versions.nomad.sha256 = sha256(NOMAD_PROGRAM);
      input.versions.consul.sha256 = sha256(CONSUL_PROGRAM);
    }));
    mkdirSync(this.world);
    const tool = (name: string, body: string) => this.write(`bin/${name}`, `#!/bin/sh\n${body}\n`, 0o755);
    tool("systemctl", SYSTEMCTL);
    tool("curl", CURL);
    tool("id", "echo 0");
    tool("chown", ":");
    tool("useradd", 'echo "useradd $*" >>"$WORLD/log"');
    tool("unzip", 'cp "$3" "$6/$4"');
    this.set("nomad.zip", NOMAD_PROGRAM);
    this.set("consul.zip", CONSUL_PROGRAM);
    this.set("consul");
    this.write("usr/local/bin/nomad", NOMAD_PROGRAM, 0o755);
    this.write("usr/local/bin/consul", CONSUL_PROGRAM, 0o755);
    this.write("etc/consul.d/gossip.key", "a2V5LWtleS1rZXkta2V5LWtleS1rZXkta2V5LWtleSE=\n");
    this.write("etc/consul.d/ca.pem", "CONSUL AUTHORITY\n");
  }

  get self(): ClusterNode {
    return this.cluster.all.find(({ name }) => name === this.node)!;
  }

  /** A file of the node, path without leading slash. */
  write(path: string, content: string, mode = 0o644): void {
    const at = join(this.root, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, content);
    chmodSync(at, mode);
  }
  read(path: string): string { return readFileSync(join(this.root, path), "utf8"); }
  delete(path: string): void { rmSync(join(this.root, path)); }
  has(path: string): boolean { return existsSync(join(this.root, path)); }

  /** A fact of the world around the script. */
  set(fact: string, value = ""): void { writeFileSync(join(this.world, fact), value); }
  unset(fact: string): void { rmSync(join(this.world, fact), { force: true }); }

  /** A formed, healthy cluster of three in which this node takes part. */
  formed(): void {
    const peers = JSON.stringify(this.cluster.all.map(({ address }) => `${address}:4647`));
    for (const { address } of this.cluster.all) {
      this.set(`peers.${address}`, peers);
      this.set(`healthy.${address}`);
    }
    this.set("leader", '"100.64.0.12:4647"');
    this.set("tolerance", "1");
    this.set("active.nomad");
    this.set("active.consul");
  }

  /** Runs the script; `edit` changes the delivered bundle's text. */
  async run(mode: ApplyMode, edit: (bundle: string) => string = (text) => text, timings: Partial<ApplyTimings> = {}) {
    const { env, all } = this.cluster;
    const files = nodeBundle(env, this.self, all, secretsOf(this.self)).map((file) => ({ ...file, path: this.root + file.path }));
    this.write(".gvfx-rollout/bundle", edit(bundleText(files)));
    this.unset("log");
    const script = [applyHead(mode), applySettings(env, this.self, all, { ...TIMINGS, ...timings }, this.root), APPLY_BODY].join("\n");
    const shell = spawn("/bin/sh", ["-s"], { env: { PATH: `${this.bin}:/usr/bin:/bin`, WORLD: this.world, SELF: this.self.address } });
    let [stdout, stderr] = ["", ""];
    shell.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    shell.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    shell.stdin.on("error", () => undefined).end(script);
    const status = await new Promise<number | null>((ended) => shell.on("close", ended));
    const log = existsSync(join(this.world, "log")) ? readFileSync(join(this.world, "log"), "utf8").trim().split("\n") : [];
    return { status, output: stdout + stderr, stderr, log, restarts: log.filter((line) => line.startsWith("restart ")).map((line) => line.slice(8)) };
  }

  /** A node that is up to date in a healthy cluster. */
  async settled(): Promise<this> {
    this.formed();
    const { status, output } = await this.run("turn");
    if (status !== 0) throw new Error(output);
    return this;
  }

  remove(): void { rmSync(this.root, { recursive: true }); }
}
