#!/usr/bin/env bash
# one-process.sh start|stop|status NAME: one of the hand-started processes, with the pid files and logs of
# daemonize-backend.sh. The app's own script knows only all three of the backend at once.
set -euo pipefail

ROOT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
mkdir -p "$ROOT_DIR/.pids"

signal=TERM
case "${2:-}" in
  api) name=backend-api; env_file=backend/.env; command=(bun run "$ROOT_DIR/backend/src/api/server.ts") ;;
  worker) name=backend-jobs; env_file=backend/.env; command=(bun run "$ROOT_DIR/backend/src/jobs/worker.ts") ;;
  rl-service) name=rl-service; env_file=backend/.env; command=(env -C "$ROOT_DIR/backend/rl-service" uv run uvicorn server:app --host 0.0.0.0 --port 9101) ;;
  frontend) name=frontend; env_file=frontend/.env.local; command=(bun run "$ROOT_DIR/frontend/server.js") ;;
  # Convex stops at SIGINT only.
  convex) name=convex; env_file=convex/.env; signal=INT; command=(bun run "$ROOT_DIR/convex/main.js") ;;
  *) echo "Usage: $0 {start|stop|status} {api|worker|rl-service|frontend|convex}" >&2; exit 2 ;;
esac
pid_file="$ROOT_DIR/.pids/$name.pid"

is_running() { [ -s "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }

case "$1" in
  start)
    if is_running; then echo "$2 already running (PID $(cat "$pid_file"))"; exit 0; fi
    set -a
    # shellcheck disable=SC1090
    . "$ROOT_DIR/$env_file"
    set +a
    # A shell in the background ignores SIGINT and its children inherit that: Convex would never stop.
    # No input and no open output of ours: an SSH session that starts this must be able to end.
    if [ "$signal" = INT ]; then setsid nohup env --default-signal=INT "${command[@]}" >"$ROOT_DIR/$name.log" 2>&1 </dev/null &
    else setsid nohup "${command[@]}" >"$ROOT_DIR/$name.log" 2>&1 </dev/null & fi
    echo $! >"$pid_file"
    echo "$2 started (PID $(cat "$pid_file"))"
    ;;
  stop)
    if is_running; then kill -"$signal" "$(cat "$pid_file")"; rm -f "$pid_file"; echo "$2 stopped"; else echo "$2 not running"; fi
    ;;
  status)
    if is_running; then echo "$2 running (PID $(cat "$pid_file"))"; else echo "$2 stopped"; fi
    ;;
  *) echo "Usage: $0 {start|stop|status} {api|worker|rl-service|frontend|convex}" >&2; exit 2 ;;
esac
