/** Which workers run on a machine, by its processes, and what connections to the exchange they hold. */
import type { Side } from "../../lease/sources";
import type { WriterSeen } from "../world";

/** Part of the worker's command line, as the app starts it. */
export const WORKER_PROGRAM = "jobs/worker.ts";
/** The lease's own program names the worker in its arguments, and so does what it starts on the way. */
const WRAPPER = "worker-lease";

/**
 * Prints "worker PID PARENT ALLOCATION SOCKETS" for each process of the worker; ALLOCATION is "-" outside Nomad,
 * SOCKETS counts established TCP connections to the hosts, in the process's own network namespace, "?" where the kernel
 * does not show whose they are. Then "parent PID PARENT" for every process.
 * @param exchange hosts or IPv4 addresses
 */
export function writersScript(exchange: readonly string[]): string {
  return `PATH=/usr/sbin:/usr/bin:/sbin:/bin
hosts=
for host in ${exchange.map((host) => `'${host.replaceAll("'", "")}'`).join(" ")}; do
  for address in $(getent ahostsv4 "$host" 2>/dev/null | awk '{ print $1 }' | sort -u); do
    hosts="$hosts $(printf %s "$address" | awk -F. '{ printf "%02X%02X%02X%02X", $4, $3, $2, $1 }')"
  done
done
sockets() {
  inodes=$(for fd in "$1"/fd/*; do readlink "$fd"; done 2>/dev/null | sed -n 's/^socket:\\[\\([0-9]*\\)\\]$/\\1/p')
  [ -r "$1/fd" ] && [ -r "$1/net/tcp" ] || { echo '?'; return; }
  { cat "$1/net/tcp"; cat "$1/net/tcp6" 2>/dev/null; } | awk -v hosts="$hosts" -v inodes="$(echo $inodes)" '
    BEGIN { split(hosts, h, " "); for (i in h) host[h[i]] = 1; split(inodes, n, " "); for (i in n) own[n[i]] = 1 }
    $4 == "01" { split($3, remote, ":"); ip = remote[1]; if (length(ip) == 32) ip = substr(ip, 25); if (ip in host && $10 in own) count++ }
    END { print count + 0 }'
}
for dir in /proc/[0-9]*; do
  pid=\${dir#/proc/}
  read -r stat <"$dir/stat" 2>/dev/null || continue
  stat=\${stat##*) }
  set -- $stat
  case "$1" in Z | X) continue ;; esac
  echo "parent $pid $2"
  args=$(tr '\\0' ' ' <"$dir/cmdline" 2>/dev/null) || continue
  case "$args" in *${WRAPPER}*) continue ;; *${WORKER_PROGRAM}*) ;; *) continue ;; esac
  case "$args" in *bun\\ * | *node\\ * | bun* | node*) ;; *) continue ;; esac
  allocation=$(tr '\\0' '\\n' <"$dir/environ" 2>/dev/null | sed -n 's/^NOMAD_ALLOC_ID=//p' | head -n 1)
  echo "worker $pid $2 \${allocation:--} $(sockets "$dir")"
done`;
}

/**
 * Reads what the script printed. A process that a worker started is part of it.
 * @param machine for sentences
 * @throws Error when it is not the script's output
 */
export function parseWriters(lines: readonly string[], machine: string): WriterSeen[] {
  const words = lines.map((line) => line.split(" "));
  const parents = new Map(words.filter(([kind]) => kind === "parent").map(([, pid, parent]) => [pid, parent]));
  if (parents.size === 0) throw new Error(`${machine} showed none of its processes, so that nobody knows whether a worker runs there; see that /proc is readable for the login`);
  const workers = words.filter(([kind]) => kind === "worker");
  const pids = new Set(workers.map(([, pid]) => pid));
  const startedByOne = (pid: string): boolean => {
    for (let at = parents.get(pid); at !== undefined && at !== "0"; at = parents.get(at)) if (pids.has(at)) return true;
    return false;
  };
  const sum = (own: string): number => workers.filter(([, pid]) => pid === own || descends(pid, own, parents)).reduce((total, [, , , , count]) => total + (Number.parseInt(count, 10) || 0), 0);
  return workers.filter(([, pid]) => !startedByOne(pid)).map(([, pid, , allocation]) => {
    const side: Side = allocation === "-" ? "legacy" : "nomad";
    return { side, where: allocation === "-" ? `${machine}, process ${pid}` : `${machine}, allocation ${allocation.slice(0, 8)}`, exchangeSockets: sum(pid) };
  });
}

function descends(pid: string, from: string, parents: ReadonlyMap<string, string>): boolean {
  for (let at = parents.get(pid); at !== undefined && at !== "0"; at = parents.get(at)) if (at === from) return true;
  return false;
}
