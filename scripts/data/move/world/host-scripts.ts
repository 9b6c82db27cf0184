/** What is run on the legacy host, as text. Output is lines of words; what may hold blanks is base64. */
import type { Duration } from "../../../../contracts/units";
import { FUNCTIONS, quote } from "./shell";

/** Of what a start printed before it failed. */
const LINES_SAID = 5;

/**
 * running <writer> <pid> <args> <CONVEX_URL>; variable <writer> <key> <value>; process <pid> <parent>; match <writer> <pid> <args> <working folder>; free <KiB>
 * @param variables keys that are looked for in the environment of each writer
 */
export function lookScript(writers: readonly { readonly name: string; readonly pidFile: string; readonly program: string }[], variables: readonly string[]): string {
  return [
    FUNCTIONS,
    `variable_of() { if [ -r "/proc/$1/environ" ]; then tr '\\0' '\\n' <"/proc/$1/environ" | sed -n "s/^$2=//p" | head -n 1; fi; }
running() {
  pid=$(pid_in "$2"); [ -n "$pid" ] || return 0
  args=$(args_of "$pid") || return 0
  echo "running $1 $pid $(field "$args") $(field "$(variable_of "$pid" CONVEX_URL)")"
  for key in ${variables.join(" ")}; do
    value=$(variable_of "$pid" "$key")
    [ -z "$value" ] || echo "variable $1 $key $(field "$value")"
  done
}
matching() {
  ps -ww -eo pid=,stat=,args= | while read -r pid stat args; do
    case "$stat" in Z*) continue ;; esac
    case "$args" in *"$2"*) echo "match $1 $pid $(field "$args") $(field "$(readlink "/proc/$pid/cwd" 2>/dev/null)")" ;; esac
  done
}
ps -eo pid=,ppid= | while read -r pid parent; do echo "process $pid $parent"; done
df -Pk . | awk 'NR == 2 { print "free " $4 }'`,
    ...writers.flatMap(({ name, pidFile, program }) => [`running ${name} ${quote(pidFile)}`, `matching ${name} ${quote(program)}`]),
  ].join("\n");
}

/** yes, or nothing. */
export function reachScript(url: string): string {
  return `if curl -fsS -o /dev/null -m 10 ${quote(url)} </dev/null; then echo yes; fi 2>/dev/null; exit 0`;
}

/** text <base64>, or nothing. */
export function readScript(path: string): string {
  return `${FUNCTIONS}\nif [ -f ${quote(path)} ]; then echo "text $(b64 <${quote(path)})"; fi`;
}

/** Status 3: it was changed meanwhile. A link is followed, and stays one. */
export function replaceScript(path: string, text: Buffer, { expected, backup }: { readonly expected: string; readonly backup?: string }): string {
  return `${FUNCTIONS}
set -eu
file=$(readlink -f ${quote(path)} 2>/dev/null || echo ${quote(path)})
[ "$(sum <"$file")" = ${expected} ] || { echo "${path} was changed by somebody meanwhile" >&2; exit 3; }
${backup === undefined ? "" : `if [ ! -e ${quote(backup)} ]; then cp -p "$file" ${quote(`${backup}.new`)}; mv ${quote(`${backup}.new`)} ${quote(backup)}; fi`}
new=$(mktemp "$file.XXXXXX")
trap 'rm -f "$new"' EXIT
cp -p "$file" "$new"
base64 -d >"$new" <<'GVFX_END_OF_TEXT'
${text.toString("base64").replace(/.{76}/g, "$&\n")}
GVFX_END_OF_TEXT
sync
mv -f "$new" "$file"`;
}

/** value <key> <base64>, as bash makes them of the file, which the app's scripts source. */
export function valuesScript(path: string, keys: readonly string[]): string {
  const inner = 'set -a; . "./$1" >/dev/null 2>&1; shift; for key; do if [ -n "${!key+x}" ]; then echo "value $key $(printf %s "${!key}" | base64 | tr -d "\\n")"; fi; done';
  return `if [ -f ${quote(path)} ]; then env -i HOME="$HOME" PATH="$PATH" bash -c ${quote(inner)} _ ${[path, ...keys].map(quote).join(" ")} </dev/null; fi`;
}

/**
 * Ends the pid file's process: by a command, or by SIGTERM and, after the grace, SIGKILL.
 * Status 3: it is somebody else; 4: it goes on.
 */
export function stopScript({ pidFile, program, command, grace }: { readonly pidFile: string; readonly program: string; readonly command: string | undefined; readonly grace: Duration }): string {
  const tenths = Math.ceil(grace.seconds * 10);
  return `${FUNCTIONS}
file=${quote(pidFile)}
pid=$(pid_in "$file"); [ -n "$pid" ] || exit 0
args=$(args_of "$pid") || exit 0
case "$args" in *${quote(program)}*) ;; *) echo "process $pid, which $file names, is \\"$args\\": nothing was stopped" >&2; exit 3 ;; esac
# Waits until it is gone, or another has its number.
gone() { n=0; while now=$(args_of "$pid") && [ "$now" = "$args" ]; do n=$((n + 1)); [ "$n" -le "$1" ] || return 1; sleep 0.1; done; }
${command === undefined ? 'kill -TERM "$pid"' : `bash -lc ${quote(command)} </dev/null >/dev/null || { echo "${command.replaceAll(/["`$\\]/g, "")} ended with status $?" >&2; exit 1; }`}
gone ${tenths} || { kill -KILL "$pid"; gone 50 || { echo "process $pid (\\"$args\\") goes on after SIGKILL" >&2; exit 4; }; }
# Its number may be somebody else's soon.
if [ "$(pid_in "$file")" = "$pid" ]; then rm -f "$file"; fi`;
}

/** In a login shell: bun is where the user's profile says. Into a file: what goes on must not hold the session's output open. */
export function startScript(command: string): string {
  return `said=$(mktemp)
trap 'rm -f "$said"' EXIT
bash -lc ${quote(command)} </dev/null >"$said" 2>&1 || {
  status=$?
  tail -n ${LINES_SAID} "$said" | tr '\\n' ' ' >&2
  echo "(status $status)" >&2
  exit 1
}`;
}
