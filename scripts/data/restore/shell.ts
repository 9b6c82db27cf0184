/** Pieces of the shell scripts that a restore runs on a node. They come by standard input; no secret is ever an argument. */

/** One word of a shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Files that hold secrets, by name: "key" becomes $secrets/key. */
export type SecretFiles = Readonly<Record<string, string>>;

/** Secrets are kept in memory on the node: a disk would remember them. The run's id follows. */
export const SECRETS_PREFIX = "/dev/shm/gvfx-restore.";
const SECRETS_FOLDER = `secrets=$(mktemp -d "${SECRETS_PREFIX}$gvfx_run.XXXXXX") || fail "there is no /dev/shm on this node, in which secrets are kept for as long as a program reads them"`;

/** A line that no base64 text has. */
const END = "GVFX_END_OF_SECRET";

/**
 * A whole script.
 * @param body of the function that does it; what it starts reads nothing from standard input, where the script itself comes from
 * @param secrets are written to memory, readable by root alone, and removed however the script ends
 * @param cleanUp runs however it ends
 *
 * It ends by itself: whoever sends it may leave standard input open. What it starts carries $gvfx_run, the id of a run
 * (ofRun in owner.ts), or one of its own; with $gvfx_owner it does nothing once that run is not the owner any more.
 */
export function script(body: string, secrets: SecretFiles = {}, cleanUp = ":"): string {
  const files = Object.entries(secrets);
  return `set -eu
umask 077
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
gvfx_run=\${gvfx_run:-once-$$}
fail() { printf '%s\\n' "$*" >&2; exit 1; }
secrets=
ended() { status=$?; trap - EXIT; { ${cleanUp}; } >/dev/null 2>&1 || true; [ -z "$secrets" ] || rm -rf "$secrets"; exit "$status"; }
trap ended EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
[ -z "\${gvfx_owner:-}" ] || [ -e "$gvfx_owner/$gvfx_run" ] || fail "another restore took over from this one (run $gvfx_run), which does nothing more on this node; see what that one does before you start anything: data restore --plan"
${files.length === 0 ? "" : SECRETS_FOLDER}
${files.map(([name, content]) => secretFile(name, content)).join("\n")}
main() {
${body}
}
main </dev/null
exit
`;
}

/** As base64: a secret may hold what a here-document would end at, and no line end is added to it. */
function secretFile(name: string, content: string): string {
  return `base64 -d >"$secrets/${name}" <<'${END}'\n${Buffer.from(content).toString("base64")}\n${END}`;
}

/** Lines of a Docker env-file. @throws Error for a value with a line end, which such a file cannot hold */
export function envFile(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => {
      if (/[\r\n]/.test(value)) throw new Error(`${name} has a line end in it, which no container can be given; correct it in Vault`);
      return `${name}=${value}\n`;
    })
    .join("");
}

/** Label of every container that a restore starts, with the run's id as the value. */
export const CONTAINER_LABEL = "gvfx.restore";
/** Option of docker run that sets it. */
export const RUN_LABEL = `--label ${CONTAINER_LABEL}="$gvfx_run"`;
