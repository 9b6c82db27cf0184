#!/usr/bin/env bash
# The legacy host: an SSH server and the app's hand-started processes (doubles).
# What ran when the container went down is started again, and what did not run is not: a worker that was
# stopped for good must not come back by a restart of its host.
set -euo pipefail

USER_NAME=trader
CHECKOUT=/home/$USER_NAME/tv-goldviewfx
KEPT=/var/lib/legacy/running
PROCESSES="convex api worker rl-service frontend"

say() { echo "legacy host double: $*"; }
as_user() { runuser -l "$USER_NAME" -c "cd $CHECKOUT && $*"; }
declare -A PID_FILES=([convex]=convex [api]=backend-api [worker]=backend-jobs [rl-service]=rl-service [frontend]=frontend)
# The builtins only, since it is asked five times a second.
pid_of() { local pid=; if read -r pid <"$CHECKOUT/.pids/${PID_FILES[$1]}.pid" && kill -0 "$pid"; then PID=$pid; else return 1; fi 2>/dev/null; }
running() { local p; NOW=; for p in $PROCESSES; do if pid_of "$p"; then NOW+="$p "; fi; done; }

# Uploaded files belong to root and may be readable by all, which sshd refuses.
if [ ! -e /etc/ssh/ssh_host_ecdsa_key ]; then
  say "no host key was placed at /etc/ssh/ssh_host_ecdsa_key: making one that nobody knows"
  ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/ssh_host_ecdsa_key
fi
chmod 600 /etc/ssh/ssh_host_ecdsa_key
mkdir -p /run/sshd /var/lib/legacy /home/$USER_NAME/.ssh
chown -R $USER_NAME:$USER_NAME /home/$USER_NAME/.ssh
chmod 700 /home/$USER_NAME/.ssh
if [ -e /home/$USER_NAME/.ssh/authorized_keys ]; then chmod 600 /home/$USER_NAME/.ssh/authorized_keys; fi

bun /usr/local/lib/legacy/write-environment.js "$CHECKOUT"
chown $USER_NAME:$USER_NAME "$CHECKOUT"/backend/.env "$CHECKOUT"/frontend/.env.local "$CHECKOUT"/convex/.env

# A pid file of the last boot names a process that is gone, or by chance another's.
wanted=$(cat "$KEPT" 2>/dev/null || echo "$PROCESSES")
rm -f "$CHECKOUT"/.pids/*.pid
for p in $wanted; do
  as_user "scripts/one-process.sh start $p"
  if [ "$p" = convex ]; then
    # The rest writes to it at once; 30 s is ten times what its start takes on a busy machine.
    for _ in $(seq 150); do if curl -fsS -o /dev/null "http://127.0.0.1:${LEGACY_PORT_CONVEX:-3210}/version" 2>/dev/null; then break; fi; sleep 0.2; done
  fi
done

/usr/sbin/sshd -D -e -p "${LEGACY_SSH_PORT:-22}" &
sshd=$!
stopping=
stop() {
  stopping=1
  say "stopping"
  for p in $PROCESSES; do
    if pid_of "$p"; then kill -"$([ "$p" = convex ] && echo INT || echo TERM)" "$PID"; fi
  done
  kill "$sshd"
}
trap stop TERM INT

say "up: $wanted"
# Every second: what is stopped less than that before the power goes comes back.
kept=none
while [ -z "$stopping" ] && kill -0 "$sshd" 2>/dev/null; do
  running
  if [ -z "$stopping" ] && [ "$NOW" != "$kept" ]; then
    echo "$NOW" >"$KEPT.new" && mv "$KEPT.new" "$KEPT"
    kept=$NOW
  fi
  sleep 1 & wait $! || true
done
# Docker gives ten seconds; Convex closes its database within five.
for _ in $(seq 80); do if pid_of convex; then sleep 0.1; else break; fi; done
