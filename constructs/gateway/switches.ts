/** How the traffic and section switches reach HAProxy: Consul KV, a map file, the admin socket. */
import { kvPaths } from "../../contracts/kv";
import { ADMIN_SOCKET_PORT, SWITCHES_MAP } from "./haproxy";

/** The map file as a template. Without a key: legacy serves, sections are closed. */
export function switchesTemplate(namespace: string): string {
  const { traffic, sections } = kvPaths(namespace);
  return `traffic {{ keyOrDefault "${traffic}" "legacy" }}\nsections {{ keyOrDefault "${sections}" "closed" }}\n`;
}

/**
 * Copies the map file into the running HAProxy. A reload would do it too, but
 * failed 3 to 16 requests in each measured run; the admin socket fails none.
 */
export const APPLY_SWITCHES = `#!/bin/bash
set -euo pipefail
commands=""
while read -r key value; do
  if [ -n "$key" ]; then commands+="\${commands:+;}set map ${SWITCHES_MAP} $key $value"; fi
done <${SWITCHES_MAP}
exec 3<>/dev/tcp/127.0.0.1/${ADMIN_SOCKET_PORT}
printf '%s\\n' "$commands" >&3
answer=$(tr -d '[:space:]' <&3)
if [ -n "$answer" ]; then
  echo "apply-switches: HAProxy did not take the switches: $answer" >&2
  exit 1
fi
`;
