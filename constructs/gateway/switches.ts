/** How the traffic and section switches reach HAProxy: Consul KV, a map file, the admin socket. */
import { kvPaths } from "../../contracts/kv";
import { Duration } from "../../contracts/units";
import { ADMIN_SOCKET_PORT, CONFIG_FILE, SWITCHES_MAP } from "./haproxy";

/** The map file as a template. Without a key: legacy serves, sections are closed. */
export function switchesTemplate(namespace: string): string {
  const { traffic, sections } = kvPaths(namespace);
  return `traffic {{ keyOrDefault "${traffic}" "legacy" }}\nsections {{ keyOrDefault "${sections}" "closed" }}\n`;
}

/**
 * Longest time between a change of the map file and HAProxy acting on it: a look every
 * second, and one second more for a busy node. Measured: 0.03 to 1.01 s over 40 changes.
 */
export const SWITCH_SKEW = Duration.seconds(2);

/** Looks in a row that may fail before HAProxy is restarted: it reads the map file when it starts, so no node keeps an old switch for longer. */
export const LOOKS_BEFORE_RESTART = 10;

/**
 * The gateway's main process: runs HAProxy, and makes its switches equal to the map file
 * every second. Nothing is lost when one attempt fails, which a script run once per
 * change could not promise. A reload of HAProxy would do it too, but failed 3 to 16
 * requests in each measured run; the admin socket fails none.
 *
 * SIGUSR1 drains: HAProxy stops accepting, and the script ends when it has. SIGTERM and
 * SIGINT end at once. The script's exit status is HAProxy's.
 */
export const GATEWAY_SCRIPT = `#!/bin/bash
set -uo pipefail
child=""
stopping=""
stop() {
  stopping=$1
  if [ -n "$child" ]; then kill -s "$1" "$child" 2>/dev/null; fi
}
trap 'stop USR1' USR1
trap 'stop TERM' TERM INT

haproxy -db -f ${CONFIG_FILE} &
child=$!
# A signal that came before HAProxy was there.
if [ -n "$stopping" ]; then stop "$stopping"; fi
# A command to an admin socket that has just closed fails; it must not end the gateway.
trap '' PIPE

# Sends one command to the admin socket and puts the answer in $answer. Only builtins: a signal waits for one second at most.
ask() {
  answer=""
  { exec 3<>/dev/tcp/127.0.0.1/${ADMIN_SOCKET_PORT}; } 2>/dev/null || return 1
  printf '%s\\n' "$1" >&3
  IFS= read -r -d "" -t 1 answer <&3
  local status=$?
  exec 3>&-
  # Above 128: no end of the answer within the second.
  [ "$status" -le 128 ]
}

refused=""
apply_switches() {
  local key value now
  ask "show map ${SWITCHES_MAP}" || return 1
  now=$answer
  while read -r key value; do
    if [ -z "$key" ] || [[ $now == *" $key $value"$'\\n'* ]]; then continue; fi
    # It becomes part of a command.
    if [[ ! $value =~ ^[a-z]+$ ]]; then
      if [ "$refused" != "$value" ]; then echo "gateway: $key stays as it is: '$value' is not one word; write the Consul key again" >&2; fi
      refused=$value
      continue
    fi
    ask "set map ${SWITCHES_MAP} $key $value" || return 1
    if [ -n "\${answer//[[:space:]]/}" ]; then
      echo "gateway: HAProxy did not take $key $value: $answer" >&2
      return 1
    fi
    echo "gateway: $key is now $value"
  done <${SWITCHES_MAP}
}

failed=0
while kill -0 "$child" 2>/dev/null; do
  if [ -z "$stopping" ]; then
    if apply_switches; then failed=0; else failed=$((failed + 1)); fi
    if [ "$failed" -ge ${LOOKS_BEFORE_RESTART} ]; then
      echo "gateway: HAProxy has not answered its admin socket ${LOOKS_BEFORE_RESTART} times and may hold an old switch: it is restarted" >&2
      stop KILL
    fi
  fi
  sleep 1 &
  wait -n
done
wait "$child"
`;
