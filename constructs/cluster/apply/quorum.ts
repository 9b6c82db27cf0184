/** Shell: what the servers say of the cluster, and waiting for it. Every question is one that needs no token. */

/**
 * Needs `$address`, `$http_port`, `$rpc_port`, `$servers` (how many there are),
 * `others` (a function that prints "NAME ADDRESS" lines), `$ca`, `$poll`,
 * `$peer_wait`, `$settle_wait`, `$answer_wait`, `$consul_wait`, `$consul_http_port`,
 * `$nomad_service`, `$nomad_secrets`, `say` and `fail`.
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

# Whether the server here takes part. Three looks: being busy is not being away.
serves() {
  [ "$(voters "$address")" -eq 0 ] || return 0
  sleep "$poll"
  [ "$(voters "$address")" -eq 0 ] || return 0
  sleep "$poll"
  [ "$(voters "$address")" -ne 0 ]
}

# Why the cluster could not lose a server at this moment; nothing when it could.
shortage() {
  leader=$(get "https://$address:$http_port/v1/status/leader" | tr -d '"')
  case $leader in
    *:*) ;;
    *)
      printf 'no leader is known here'
      return
      ;;
  esac
  missing=$(others | while read -r peer at; do
    get --output /dev/null "https://$at:$http_port/v1/agent/health?type=server" || printf ' %s (%s)' "$peer" "$at"
  done)
  if [ -n "$missing" ]; then
    printf 'not healthy:%s' "$missing"
    return
  fi
  count=$(voters "$address")
  if [ "$count" -ne "$servers" ]; then
    printf 'the Raft configuration has %s servers instead of %s' "$count" "$servers"
    return
  fi
  # A server that has just joined is healthy before it is a voter. The leader's autopilot knows, and says so where no token is asked for.
  tolerance=$(get "https://$(printf '%s' "$leader" | cut -d : -f 1):$http_port/v1/metrics?format=prometheus" | sed -n 's/^nomad_nomad_autopilot_failure_tolerance //p')
  case $tolerance in
    [1-9]*) ;;
    *) printf 'the leader (%s) does not count enough healthy voters yet' "$leader" ;;
  esac
}

# Before a restart.
await_spare() {
  deadline=$(($(date +%s) + peer_wait))
  while :; do
    problem=$(shortage)
    [ -n "$problem" ] || return 0
    [ "$(date +%s)" -lt "$deadline" ] ||
      fail "not restarted, because for $peer_wait s: $problem. Without this server too the cluster could have no quorum and would stop. The old configuration keeps running here, and no further node was touched. On a server that is not healthy: systemctl status nomad; journalctl -u nomad -n 50; and when it is stopped: systemctl start nomad. One that was set up anew is given its files by: terraform -chdir=cdktf.out/stacks/foundation apply -replace=<its start step, see: terraform state list | grep start>. Then deploy again: cdktf deploy foundation"
    notice "waits: $problem"
    sleep "$poll"
  done
}

# Until the agent here answers at all, with a leader or without.
await_answer() {
  deadline=$(($(date +%s) + answer_wait))
  until get --output /dev/null "https://$address:$http_port/v1/status/peers?stale"; do
    systemctl is-active --quiet nomad || fail "Nomad stopped right after its start; no further node was touched. On this node: journalctl -u nomad -n 50. Then deploy again: cdktf deploy foundation"
    [ "$(date +%s)" -lt "$deadline" ] ||
      fail "Nomad runs, but for $answer_wait s it has not answered on https://$address:$http_port; no further node was touched. On this node: journalctl -u nomad -n 50. Usual causes: another program has the port, or the certificate lacks $address. Then deploy again: cdktf deploy foundation"
    sleep "$poll"
  done
}

# After a restart, and at the end of every turn.
await_whole() { # SECONDS for which all must be well without a break
  deadline=$(($(date +%s) + settle_wait + $1))
  since=
  while :; do
    if get --output /dev/null "https://$address:$http_port/v1/agent/health"; then problem=$(shortage); else problem='the agent here is not healthy'; fi
    now=$(date +%s)
    if [ -z "$problem" ]; then
      [ -n "$since" ] || since=$now
      [ $((now - since)) -lt "$1" ] || return 0
    else
      since=
      [ "$now" -lt "$deadline" ] ||
        fail "for $settle_wait s: $problem. No further node was touched. On this node: journalctl -u nomad -n 50; nomad server members (with NOMAD_ADDR=https://$address:$http_port NOMAD_CACERT=$ca_file and an operator's token). A server that is gone for good is removed with: nomad operator raft remove-peer -peer-id=<id>. Then deploy again: cdktf deploy foundation"
      notice "waits: $problem"
    fi
    sleep "$poll"
  done
}

# Until Consul answers with this server for the name under which Vault and
# Consul fetch the keys of workload identities: both do so as soon as the
# cluster is there, and keep nothing of a try that fails.
await_registered() {
  deadline=$(($(date +%s) + consul_wait))
  until sed -n 's/.*"token": "\([^"]*\)".*/header = "X-Consul-Token: \1"/p' "$nomad_secrets" |
    curl --silent --fail --max-time 4 --noproxy '*' --output /dev/null --config - "http://127.0.0.1:$consul_http_port/v1/agent/health/service/name/$nomad_service" 2>/dev/null; do
    [ "$(date +%s)" -lt "$deadline" ] ||
      fail "for $consul_wait s Consul has not counted this Nomad server as healthy, so Vault and Consul could not fetch the keys of workload identities. No further node was touched. On this node: journalctl -u consul -n 50; journalctl -u nomad -n 50. Usual cause: the Consul token of the node's Nomad agent is gone. Then deploy again: cdktf deploy foundation"
    notice "waits for Consul to find Nomad healthy"
    sleep "$poll"
  done
}
`;
