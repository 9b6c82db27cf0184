/** Shell: unpacks the bundle, tells what differs from the node, and writes it. */

/** First word of the line that opens a file in the bundle. */
export const FILE_MARK = "@@file";

/**
 * A bundle is text: for each file a line `@@file UNIT MODE GROUP PATH`, then its
 * lines. Needs `$work`, `$bundle`, `$state`, `say`.
 */
export const BUNDLE_FILES = String.raw`
unpack() {
  into=/dev/null
  : >"$work/index"
  while IFS= read -r line; do
    case $line in
      '@@file '*)
        into=$work/file.$(($(wc -l <"$work/index") + 1))
        : >"$into"
        printf '%s %s\n' "$into" "$line" >>"$work/index"
        ;;
      *) printf '%s\n' "$line" >>"$into" ;;
    esac
  done <"$bundle"
  [ -s "$work/index" ] || fail "the bundle is empty, so nothing was changed; deploy again."
}

add() { # UNIT MODE GROUP PATH: a file that is made on the node, from standard input
  into=$work/file.$(($(wc -l <"$work/index") + 1))
  cat >"$into"
  printf '%s @@file %s %s %s %s\n' "$into" "$1" "$2" "$3" "$4" >>"$work/index"
}

files_of() { # UNIT: its lines of the index
  grep " @@file $1 " "$work/index"
}

staged() { # PATH: where its new content is
  while read -r file _ _ _ _ path; do
    [ "$path" != "$1" ] || printf '%s\n' "$file"
  done <"$work/index"
}

fingerprint() { # UNIT VERSION: of what the unit runs with
  {
    printf '%s\n' "$2"
    files_of "$1" | while read -r file _ _ rights group path; do
      printf '%s %s %s\n' "$rights" "$group" "$path"
      cat "$file"
    done
  } | sha256sum | cut -d ' ' -f 1
}

# A unit is out of date when it does not run, or a file differs, or it was never
# restarted since a file changed (an earlier run may have ended in between).
out_of_date() { # UNIT VERSION
  systemctl is-active --quiet "$1" || return 0
  [ "$(cat "$state/$1" 2>/dev/null)" = "$(fingerprint "$1" "$2")" ] || return 0
  files_of "$1" | while read -r file _ _ _ _ path; do
    cmp -s "$file" "$path" || exit 1
  done || return 0
  return 1
}

write_files() { # UNIT
  files_of "$1" | while read -r file _ _ rights group path; do
    (umask 022 && mkdir -p "$(dirname "$path")")
    if ! cmp -s "$file" "$path"; then
      cp "$file" "$path.new"
      chown "root:$group" "$path.new"
      chmod "$rights" "$path.new"
      mv -f "$path.new" "$path"
      say "wrote $path"
    fi
    chown "root:$group" "$path"
    chmod "$rights" "$path"
  done
}

remember() { # UNIT VERSION
  mkdir -p "$state"
  fingerprint "$1" "$2" >"$state/$1.new"
  mv -f "$state/$1.new" "$state/$1"
}
`;
