/** Shell: what the probe script does, the same on every node. Its settings and lists come before it (script.ts). */
export const PROBE_BODY = String.raw`
umask 077
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

flat() { tr '\n\r\t|' '    ' | sed 's/  */ /g; s/^ //; s/ $//'; }
say() { printf '%s=%s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }
bounded() { if has timeout; then timeout "$limit" "$@"; else "$@"; fi; }
existing() { # PATH: itself, or the nearest folder above that exists
  at=$1
  while [ ! -e "$at" ] && [ "$at" != / ]; do at=$(dirname "$at"); done
  printf '%s\n' "$at"
}

clock() {
  sample=0
  while [ "$sample" -lt "$clock_samples" ]; do
    printf '%s\n' "$clock_question"
    IFS= read -r _ || return 0
    say clock "$(date +%s%N)"
    sample=$((sample + 1))
  done
}

machine() {
  say system "$(uname -s)"
  say architecture "$(uname -m)"
  say login "$(printf '%s' "$SUDO_USER" | grep . || id -un)"
  if [ "$(id -u)" -eq 0 ]; then say root yes; else say root no; fi
  if has timedatectl; then say synchronized "$(bounded timedatectl show -p NTPSynchronized --value 2>/dev/null | flat)"; fi
  tools | while read -r tool; do if has "$tool"; then say tool "$tool|yes"; else say tool "$tool|no"; fi; done
  if has ip; then ip -4 -o addr show 2>/dev/null | sed -n 's/.* inet \([0-9.]*\).*/address=\1/p'; fi
}

program() { # NAME: on the path, or where the rollout puts it
  for at in "$(command -v "$1" 2>/dev/null)" "$programs/$1"; do
    [ -x "$at" ] || continue
    say program "$1|$(bounded "$at" version 2>/dev/null | sed -n '1p' | flat)"
    return 0
  done
  say program "$1|"
}

docker_engine() {
  [ -n "$docker_wanted" ] || return 0
  if ! has docker; then say docker absent; return 0; fi
  if version=$(bounded docker version --format '{{.Server.Version}}' 2>"$work/docker"); then
    say docker "answers|$(printf '%s' "$version" | flat)"
    docker_root=$(bounded docker info --format '{{.DockerRootDir}}' 2>/dev/null | flat)
    say docker_registries "$(bounded docker info --format '{{json .RegistryConfig}}' 2>/dev/null | flat)"
  else
    say docker "silent|$(flat <"$work/docker" | cut -c 1-300)"
  fi
}

tailnet() {
  if ! has tailscale; then say tailscale absent; return 0; fi
  say tailscale "$(bounded tailscale version 2>/dev/null | sed -n '1p' | flat)"
  say tailscale_status "$(bounded tailscale status --json --peers=false 2>/dev/null | tr -d '\n\r\t')"
}

listeners() {
  if ! has ss; then say listening unknown; return 0; fi
  if ss -lntup >"$work/ss" 2>/dev/null; then say listening known; else say listening unknown; fi
  grep -E '^(tcp|udp) ' "$work/ss" | while read -r line; do say listener "$(printf '%s' "$line" | flat)"; done
}

disks() {
  { disk_paths; [ -z "$docker_root" ] || printf '%s\n' "$docker_root"; } | while read -r path; do
    at=$(existing "$path")
    say disk "$path|$at|$(df -Pk "$at" 2>/dev/null | sed -n '$p' | flat)|$(df -Pi "$at" 2>/dev/null | sed -n '$p' | flat)"
  done
  [ -z "$docker_root" ] || say docker_root "$docker_root"
}

timed_writes() { # FOLDER: seconds of each synchronous write, as dd itself counts them
  file=$1/.gvfx-doctor.$$
  if ! : 2>/dev/null >"$file"; then printf 'denied'; return 0; fi
  write=0
  until_second=$(($(date +%s) + sync_limit))
  while [ "$write" -lt "$sync_samples" ]; do
    # Looking at the clock costs a process too: every tenth time will do.
    [ $((write % 10)) -ne 0 ] || [ "$(date +%s)" -lt "$until_second" ] || break
    dd if=/dev/zero of="$file" bs=4k count=1 seek="$write" conv=notrunc oflag=dsync 2>&1
    write=$((write + 1))
  done | sed -n 's/.*copied, \([0-9.e-]*\) s.*/\1/p' | flat
  rm -f "$file"
}

syncs() {
  sync_paths | while read -r path; do
    at=$(existing "$path")
    [ -d "$at" ] || at=$(dirname "$at")
    disk=$(df -P "$at" 2>/dev/null | sed -n '$s/ .*//p')
    # A disk is timed once, whatever lies on it.
    grep -qxF "$disk" "$work/timed" 2>/dev/null && continue
    printf '%s\n' "$disk" >>"$work/timed"
    say sync "$path|$at|$(timed_writes "$at")"
  done
}

describe() { # PATH
  if facts=$(stat -L -c '%a|%U|%F|%s' "$1" 2>/dev/null); then
    printf '%s' "$facts"
  # Absent only when the folder above can be looked into.
  elif [ -x "$(dirname "$(existing "$1")")" ] && [ -x "$(existing "$1")" ]; then
    printf 'absent'
  else
    printf 'hidden'
  fi
}

file_facts() {
  files | while read -r path; do say file "$path|$(describe "$path")"; done
  certificates | while read -r path; do
    say certificate "$path|$(sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' "$path" 2>/dev/null | tr '\n' '~')"
  done
  # Of a key, only its length leaves the node.
  if [ -r "$gossip_key_file" ]; then say gossip_key_bytes "$(tr -d '[:space:]' <"$gossip_key_file" | base64 -d 2>/dev/null | wc -c | tr -d ' ')"; fi
  if [ -n "$registry_file" ] && [ -r "$registry_file" ]; then
    if grep -qF "\"$registry_host\"" "$registry_file"; then say registry_listed yes; else say registry_listed no; fi
  fi
  if [ -n "$credential_helper" ]; then say credential_helper "$(command -v "docker-credential-$credential_helper" 2>/dev/null)"; fi
}

# Bash opens connections by itself; other tools for it are on few nodes.
connect() { # HOST PORT
  timeout "$reach_limit" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>"$work/reach.$1.$2"
  case $? in
    0) state=open ;;
    124) state=silent ;;
    *)
      state=other
      ! grep -qi 'refused' "$work/reach.$1.$2" || state=refused
      ! grep -qiE 'not known|name resolution|no address|nodename' "$work/reach.$1.$2" || state=unresolved
      ! grep -qiE 'unreachable|no route' "$work/reach.$1.$2" || state=unrouted
      ;;
  esac
  say reach "$1|$2|$state"
}

resolve() { # RECURSOR PORT: the header of its answer
  answer=$(timeout "$reach_limit" bash -c 'exec 3<>"/dev/udp/$0/$1" && printf "$2" >&3 && dd bs=512 count=1 <&3 2>/dev/null' "$1" "$2" "$dns_question" 2>/dev/null | od -An -v -tu1 -N12 | flat)
  say recursor "$1|$answer"
}

network() {
  if ! has bash || ! has timeout; then say network unknown; return 0; fi
  endpoints | { while read -r host port; do connect "$host" "$port" & done; wait; }
  recursors | { while read -r host port; do resolve "$host" "$port" & done; wait; }
  say network known
}

look() {
  work=$(mktemp -d) || exit 1
  trap 'rm -rf "$work"' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  docker_root=
  machine
  program nomad
  program consul
  docker_engine
  tailnet
  listeners
  file_facts
  network
  disks
  syncs
}

main() {
  printf '%s\n' "$begin"
  clock
  # What is asked below must not read the operator's lines.
  look </dev/null
  printf '%s\n' "$end"
}
# The operator's end keeps the line open: without an exit, the shell would wait for more.
main; exit 0
`;
