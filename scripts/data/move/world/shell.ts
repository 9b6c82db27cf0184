/** Shell text for the legacy host, which may be any Unix: POSIX sh, ps, and bash for the app's own scripts. */

/** As one word of a shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Nobody's env file has a line like this. */
const END = "GVFX_END_OF_SCRIPT";

/**
 * A script in the checkout, run by whoever logs in: the ssh client becomes root where it may, and what
 * root starts or writes there would be root's. By standard input, since arguments are seen by everybody.
 */
export function inCheckout(checkout: string, body: string): string {
  return [
    'as_login() { if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_USER:-}" ]; then sudo -n -H -u "$SUDO_USER" sh -s; else sh -s; fi; }',
    `as_login <<'${END}'`,
    'export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"',
    `cd ${quote(checkout)} || exit 1`,
    body,
    END,
    "exit $?",
    "",
  ].join("\n");
}

/** Functions that several scripts use. */
export const FUNCTIONS = `b64() { base64 | tr -d '\\n'; }
field() { printf '%s' "$1" | b64; }
sum() { if command -v sha256sum >/dev/null 2>&1; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1; }
pid_in() { [ -s "$1" ] || return 0; tr -dc '0-9' <"$1"; }
# A dead process that nobody has asked for yet is dead.
args_of() { case "$(ps -o stat= -p "$1" 2>/dev/null)" in ''|Z*) return 1 ;; esac; ps -ww -o args= -p "$1" 2>/dev/null; }`;
