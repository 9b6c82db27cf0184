#!/usr/bin/env bash
# one-process.sh start|stop|status NAME: one of the hand-started processes, with the pid files and logs of
# daemonize-backend.sh. The app's own script knows only all three of the backend at once.
#
# WORKER_LEASE_SETTINGS, in backend/.env or the environment: settings of the worker's lease. The worker is then started
# below worker-lease.mjs (WORKER_LEASE_PROGRAM), whose PID is in the pid file; "stop" waits until both have ended.
set -euo pipefail

ROOT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
mkdir -p "$ROOT_DIR/.pids"

signal=TERM
case "${2:-}" in
  api) name=backend-api; env_file=backend/.env; command=(bun run "$ROOT_DIR/backend/src/api/server.ts") ;;
  worker) name=backend-jobs; env_file=backend/.env; command=(bun run "$ROOT_DIR/backend/src/jobs/worker.ts") ;;
  rl-service) name=rl-service; env_file=backend/.env; command=(bash -c 'cd "$0" && exec uv run uvicorn server:app --host 0.0.0.0 --port "${RL_SERVICE_PORT:-9101}"' "$ROOT_DIR/backend/rl-service") ;;
  frontend) name=frontend; env_file=frontend/.env.local; command=(bun run "$ROOT_DIR/frontend/server.js") ;;
  # Convex stops at SIGINT only.
  convex) name=convex; env_file=convex/.env; signal=INT; command=(bun run "$ROOT_DIR/convex/main.js") ;;
  *) echo "Usage: $0 {start|stop|status} {api|worker|rl-service|frontend|convex}" >&2; exit 2 ;;
esac
pid_file="$ROOT_DIR/.pids/$name.pid"

LEASE_PROGRAM=/usr/local/lib/legacy/worker-lease.mjs
# The worker has 20 s to end, then it is killed, and the lease is given back.
STOPPED_WITHIN_S=30

# Whether a PID is the worker below its lease, and not somebody who was given the same number since.
is_leased() { ps -ww -o args= -p "$1" 2>/dev/null | grep -qF -- "-- ${command[*]}"; }

is_running() { [ -s "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }

case "$1" in
  start)
    if is_running; then echo "$2 already running (PID $(cat "$pid_file"))"; exit 0; fi
    set -a
    # shellcheck disable=SC1090
    . "$ROOT_DIR/$env_file"
    set +a
    if [ "$2" = worker ] && [ -n "${WORKER_LEASE_SETTINGS:-}" ]; then command=(bun "${WORKER_LEASE_PROGRAM:-$LEASE_PROGRAM}" "$WORKER_LEASE_SETTINGS" -- "${command[@]}"); fi
    # A shell in the background ignores SIGINT and its children inherit that: Convex would never stop.
    # No input and no open output of ours: an SSH session that starts this must be able to end.
    if [ "$signal" = INT ]; then setsid nohup env --default-signal=INT "${command[@]}" >"$ROOT_DIR/$name.log" 2>&1 </dev/null &
    else setsid nohup "${command[@]}" >"$ROOT_DIR/$name.log" 2>&1 </dev/null & fi
    echo $! >"$pid_file"
    echo "$2 started (PID $(cat "$pid_file"))"
    ;;
  stop)
    if [ "$2" = worker ] && is_running && is_leased "$(cat "$pid_file")"; then
      pid=$(cat "$pid_file")
      kill -TERM "$pid" || true
      for _ in $(seq $((STOPPED_WITHIN_S * 10))); do if is_leased "$pid"; then sleep 0.1; else break; fi; done
      # The pid file stays as long as what it names.
      if is_leased "$pid"; then echo "worker still running (PID $pid) after $STOPPED_WITHIN_S s: look at $ROOT_DIR/$name.log" >&2; exit 1; fi
      rm -f "$pid_file"
      echo "worker stopped"
    elif is_running; then kill -"$signal" "$(cat "$pid_file")"; rm -f "$pid_file"; echo "$2 stopped"; else echo "$2 not running"; fi
    ;;
  status)
    if is_running; then echo "$2 running (PID $(cat "$pid_file"))"; else echo "$2 stopped"; fi
    ;;
  *) echo "Usage: $0 {start|stop|status} {api|worker|rl-service|frontend|convex}" >&2; exit 2 ;;
esac
