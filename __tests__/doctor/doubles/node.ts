/**
 * A node that is this machine with other tools: an `ssh` that checks the pinned host
 * key as the real one does and then runs what it is given, and the programs that
 * the probe asks. What the probe does with them is the real script, run by sh.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// ECDSA: whatever else the machine that runs the tests has, Terraform would be shown this one first.
export const NODE_HOST_KEY = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDs1vxozWQj1xFoJ/gwe2FX+VYGfEgpj4iCbbO2h/pCYfFY2hiVYyIpWVFMzv9MkvVawV8bGK0UX/5v1Mym8Aiw=";
export const OTHER_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKc0u4nJm3dQ0yq7mDkS1b1v3l6mN1i1e8M0qk2bYh5T";

export interface FakeNodeState {
  hostKey: string;
  /** What ssh says instead of logging in. */
  sshTrouble?: string;
  sshDelaySeconds: number;
  /** The login is root, or may become it. */
  root: boolean;
  clockOffsetMs: number;
  synchronized: "yes" | "no";
  address: string;
  tailnetName: string;
  /** RFC 3339; left out for a key that does not expire. */
  keyExpiry?: string;
  /** Lines of ss. */
  listeners: string[];
  docker: string;
  nomad?: string;
  consul?: string;
  freeGiB: number;
  /** Seconds of each synchronous write, cycled; undefined for the real dd. */
  writes: number[] | undefined;
  architecture: string;
  /** Where an address of the tailnet leads on this machine: "host port" to a port. */
  routes: Record<string, number>;
}

export function fakeNodeState(number: number): FakeNodeState {
  return {
    hostKey: NODE_HOST_KEY,
    sshDelaySeconds: 0,
    root: true,
    clockOffsetMs: 0,
    synchronized: "yes",
    address: `100.64.0.1${number}`,
    tailnetName: `server-${number}.example-tailnet.ts.net`,
    listeners: [
      "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=700,fd=3))",
      "udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:((\"systemd-resolve\",pid=500,fd=12))",
      "tcp LISTEN 0 4096 127.0.0.53%lo:53 0.0.0.0:* users:((\"systemd-resolve\",pid=500,fd=13))",
    ],
    docker: "27.3.1",
    freeGiB: 100,
    writes: [0.001],
    architecture: "x86_64",
    routes: {},
  };
}

/** Folder with an `ssh` on it, and below it one folder of tools a node. */
export class FakeNetwork {
  readonly folder = mkdtempSync(join(tmpdir(), "gvfx-network-"));
  /** Put before the real PATH. */
  readonly path = `${this.folder}/bin:${process.env.PATH}`;

  constructor() {
    this.program(join(this.folder, "bin"), "ssh", SSH.replaceAll("FOLDER", this.folder));
  }

  /** @param host as the ssh program is given it */
  node(host: string, state: FakeNodeState): void {
    const folder = join(this.folder, host);
    const bin = join(folder, "bin");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(folder, "host_key"), `${state.hostKey}\n`);
    if (state.sshTrouble !== undefined) writeFileSync(join(folder, "trouble"), `${state.sshTrouble}\n`);
    if (state.sshDelaySeconds > 0) writeFileSync(join(folder, "delay"), `${state.sshDelaySeconds}`);
    for (const [name, body] of Object.entries(tools(state))) this.program(bin, name, body);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private program(folder: string, name: string, body: string): void {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  }
}

/** Speaks as OpenSSH 9 does. */
const SSH = String.raw`
while [ $# -gt 2 ]; do
  case $1 in
    -o)
      case $2 in
        UserKnownHostsFile=*) known=$(printf '%s' "$2" | cut -d = -f 2-) ;;
        HostKeyAlias=*) alias=$(printf '%s' "$2" | cut -d = -f 2-) ;;
      esac
      shift 2 ;;
    -p | -l) shift 2 ;;
    *) shift ;;
  esac
done
host=$1
env >"FOLDER/environment"
printf '%s' "$known" >"FOLDER/known"
[ -d "FOLDER/$host" ] || { echo "ssh: connect to host $host port 22: Connection refused" >&2; exit 255; }
[ ! -f "FOLDER/$host/delay" ] || sleep "$(cat "FOLDER/$host/delay")"
if [ -f "FOLDER/$host/trouble" ]; then cat "FOLDER/$host/trouble" >&2; exit 255; fi
if ! grep -qxF "$alias $(cat "FOLDER/$host/host_key")" "$known"; then
  echo "The fingerprint for the ED25519 key sent by the remote host is" >&2
  echo "SHA256:9Mc+/f4oH2EIUjAWSozQKnMN9oaybEPImJn3bYpwT2U." >&2
  echo "Host key verification failed." >&2
  exit 255
fi
PATH="FOLDER/$host/bin:$PATH" exec sh -c "$2"
`;

function tools(state: FakeNodeState): Readonly<Record<string, string>> {
  // A tool of this folder that needs the real one of its name goes on without the folder.
  const rest = 'PATH=$(IFS=:; set -f; set -- $PATH; shift; echo "$*")';
  const status = JSON.stringify({ Self: { DNSName: `${state.tailnetName}.`, TailscaleIPs: [state.address], Online: true, ...(state.keyExpiry ? { KeyExpiry: state.keyExpiry } : {}) } });
  const printed = (lines: readonly string[]): string => lines.map((line) => `echo '${line}'`).join("\n") || ":";
  return {
    id: `case "$*" in -u) if [ -n "$GVFX_BECAME_ROOT" ]; then echo 0; else echo 1000; fi ;; *) echo deploy ;; esac`,
    sudo: state.root ? `shift; GVFX_BECAME_ROOT=1 SUDO_USER=deploy exec "$@"` : "echo 'sudo: a password is required' >&2; exit 1",
    uname: `case $1 in -s) echo Linux ;; -m) echo ${state.architecture} ;; esac`,
    systemctl: "exit 0",
    unzip: "exit 0",
    curl: "exit 0",
    timedatectl: `echo ${state.synchronized}`,
    ip: printed(["1: lo    inet 127.0.0.1/8 scope host lo", `5: tailscale0    inet ${state.address}/32 scope global tailscale0`]),
    ss: printed(["Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess", ...state.listeners]),
    docker: `case "$*" in version*) ${state.docker === "silent" ? "echo 'Cannot connect to the Docker daemon' >&2; exit 1" : `echo ${state.docker}`} ;; *DockerRootDir*) echo /var/lib/docker ;; *) echo '{"docker.io":{"Secure":true}}' ;; esac`,
    tailscale: `case $1 in version) echo 1.90.6 ;; status) echo '${status}' ;; esac`,
    nomad: state.nomad === undefined ? "exit 1" : `echo "Nomad v${state.nomad}"`,
    consul: state.consul === undefined ? "exit 1" : `echo "Consul v${state.consul}"`,
    ...(state.clockOffsetMs === 0 ? {} : { date: `${rest}\ncase $1 in +%s%N) now=$(date +%s%N); echo $((now + ${state.clockOffsetMs} * 1000000)) ;; *) exec date "$@" ;; esac` }),
    df: `case $1 in -Pi) echo head; echo "/dev/sda1 1000 100 900 10% /" ;; *) echo head; echo "/dev/sda1 999999999 1 ${state.freeGiB * 2 ** 20} 1% /" ;; esac`,
    dd: state.writes === undefined ? `${rest}; exec dd "$@"` : dd(rest, state.writes),
    bash: bash(rest, state.routes),
  };
}

/** Reads of a socket go to the real one. */
function dd(rest: string, writes: readonly number[]): string {
  return `case "$*" in *oflag=dsync*) ;; *) ${rest}; exec dd "$@" ;; esac
seek=\${5#seek=}
set -- ${writes.join(" ")}
shift $((seek % $#))
echo "1+0 records in" >&2
echo "4096 bytes (4.1 kB, 4.0 KiB) copied, $1 s, 3.5 MB/s" >&2`;
}

/** The node's network: every connection goes by bash, and addresses of the tailnet lead to this machine. */
function bash(rest: string, routes: Readonly<Record<string, number>>): string {
  const cases = Object.entries(routes).map(([from, port]) => `  '${from}') host=127.0.0.1 port=${port} ;;`);
  return `${rest}
script=$2 host=$3 port=$4
case "$host $port" in
${cases.join("\n")}
esac
exec bash -c "$script" "$host" "$port" "$5"`;
}
