/** Lets calls in flight finish before a server that ends at once on SIGTERM is told to stop. */

export const DRAIN_SCRIPT_PATH = "local/drain.sh";

/**
 * `drain.sh PORT COMMAND…` runs the command, and on SIGTERM waits until no
 * connection to the port is open any more before it passes the signal on. By then
 * the allocation has left service discovery, and the gateway closes its connection
 * after each answer, so that an open one is a call in flight. Nomad's kill timeout
 * bounds the wait. Reads /proc/net/tcp{,6}: local address and port in hex, state 01
 * is ESTABLISHED (Documentation/networking/proc_net_tcp.rst of Linux).
 */
export const DRAIN_SCRIPT = `#!/bin/sh
set -u
port=$(printf '%04X' "$1")
shift
busy() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -Eq "^ *[0-9]+: [0-9A-F]+:$port [0-9A-F]+:[0-9A-F]{4} 01 "; }
drain() {
  trap '' TERM INT
  echo "drain: waiting for calls in flight" >&2
  while kill -0 "$child" 2>/dev/null && busy; do sleep 0.2; done
  kill -TERM "$child" 2>/dev/null
}
trap drain TERM INT
"$@" &
child=$!
# The first wait ends when a signal was handled; the second has the command's own status.
wait "$child"
status=$?
if kill -0 "$child" 2>/dev/null; then wait "$child"; status=$?; fi
exit "$status"
`;
