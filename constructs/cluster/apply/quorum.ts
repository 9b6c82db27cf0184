/** Shell: what the servers say of the cluster, and waiting for it. Every question is one that needs no token. */

/**
 * Needs `$address`, `$http_port`, `$rpc_port`, `$servers` (how many there are),
 * `others` (a function that prints "NAME ADDRESS" lines), `$ca`, `$poll`,
 * `$peer_wait`, `$settle_wait`, `$answer_wait`, `say` and `fail`.
 */
export const QUORUM = String.raw`
get() {
  # No proxy: these are tailnet addresses. Four seconds: a server that needs more is not healthy.
  curl --silent --fail --max-time 4 --noproxy '*' --cacert "$ca" "$@" 2>/dev/null
}

# Says a thing once, however often it is found again.
notice() {
  [ "$*" != "$noticed" ] || return 0
  noticed=$*
  say "$*"
}
noticed=

voters() { # ADDRESS: how many servers are in its Raft configuration. "stale" makes the server answer for itself, without a leader.
  get "https://$1:$http_port/v1/status/peers?stale" | tr ',' '\n' | grep -c ":$rpc_port" || true
}

# A cluster is formed when any server has a Raft configuration. It has none
# before the first election, and keeps it through every outage after.
formed() {
  [ "$(voters "$address")" -eq 0 ] || return 0
  others | while read -r _ at; do
    [ "$(voters "$at")" -eq 0 ] || exit 1
  done && return 1
  return 0
}

unhealthy_others() {
  others | while read -r peer at; do
    get --output /dev/null "https://$at:$http_port/v1/agent/health?type=server" || printf '%s (%s) ' "$peer" "$at"
  done
}

await_others() {
  deadline=$(($(date +%s) + peer_wait))
  while :; do
    missing=$(unhealthy_others)
    [ -n "$missing" ] || return 0
    [ "$(date +%s)" -lt "$deadline" ] ||
      fail "not restarted, because for $peer_wait s these servers have not answered as healthy: $missing- with this one away too, fewer than a quorum would be left and the cluster would stop. The old configuration keeps running here. On each of them: systemctl status nomad; journalctl -u nomad -n 50. When both are healthy, deploy again: cdktf deploy foundation"
    notice "waits for a healthy server on $missing"
    sleep "$poll"
  done
}

# Until the agent here answers at all, with a leader or without.
await_answer() {
  deadline=$(($(date +%s) + answer_wait))
  until get --output /dev/null "https://$address:$http_port/v1/status/peers?stale"; do
    systemctl is-active --quiet nomad || fail "Nomad stopped right after its start. On this node: journalctl -u nomad -n 50. Then deploy again: cdktf deploy foundation"
    [ "$(date +%s)" -lt "$deadline" ] ||
      fail "Nomad runs, but does not answer on https://$address:$http_port since $answer_wait s. On this node: journalctl -u nomad -n 50. Usual causes: another program has the port, or the certificate lacks $address. Then deploy again: cdktf deploy foundation"
    sleep "$poll"
  done
}

trouble() { # what is not right with the cluster, seen from here; nothing when all is
  get --output /dev/null "https://$address:$http_port/v1/agent/health" || { printf 'the agent here is not healthy'; return; }
  case $(get "https://$address:$http_port/v1/status/leader") in
    *:*) ;;
    *) printf 'no leader is known here'; return ;;
  esac
  count=$(voters "$address")
  [ "$count" -eq "$servers" ] || { printf 'the Raft configuration has %s voters instead of %s' "$count" "$servers"; return; }
  missing=$(unhealthy_others)
  [ -z "$missing" ] || printf 'not healthy: %s' "$missing"
}

verify() { # SECONDS for which all must be well without a break
  deadline=$(($(date +%s) + settle_wait + $1))
  since=
  while :; do
    problem=$(trouble)
    now=$(date +%s)
    if [ -z "$problem" ]; then
      [ -n "$since" ] || since=$now
      [ $((now - since)) -lt "$1" ] || return 0
    else
      since=
      [ "$now" -lt "$deadline" ] ||
        fail "after $settle_wait s: $problem. No further node was touched. On this node: journalctl -u nomad -n 50; nomad server members (with NOMAD_ADDR=https://$address:$http_port NOMAD_CACERT=$ca_file and an operator's token). A server that is gone for good is removed with: nomad operator raft remove-peer -peer-id=<id>. Then deploy again: cdktf deploy foundation"
      notice "waits: $problem"
    fi
    sleep "$poll"
  done
}
`;
