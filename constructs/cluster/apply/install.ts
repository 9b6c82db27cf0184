/** Shell: puts a program of an exact version in place. Used by the apply script and by the witness's first boot. */

/**
 * `program_ready NAME VERSION URL SHA256` leaves the program in `$work/NAME`
 * when the node has another version or none; `program_place NAME` moves it in
 * place. Apart, so that a download never happens between a wait and a restart.
 * Needs `$work`, `$programs`, `$cache`, `say` and `fail`.
 */
export const INSTALL_PROGRAMS = String.raw`
program_version() { # NAME: the version that is in place, nothing when there is none
  "$programs/$1" version 2>/dev/null | sed -n '1s/.* v//p'
}

program_ready() { # NAME VERSION URL SHA256
  [ "$(program_version "$1")" != "$2" ] || return 0
  archive=$cache/$1_$2.zip
  mkdir -p "$cache"
  if [ ! -f "$archive" ]; then
    say "downloads $1 $2"
    # Ten minutes: 200 MB on a slow line. Three tries, because a proxy's hiccup is no reason to wake anybody.
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 15 --max-time 600 --output "$archive.part" "$3" ||
      fail "$1 $2 could not be downloaded from $3; nothing was changed. Give the node a way out, or copy the archive to $archive on the node, and deploy again."
    mv -f "$archive.part" "$archive"
  fi
  sum=$(sha256sum "$archive" | cut -d ' ' -f 1)
  if [ "$sum" != "$4" ]; then
    rm -f "$archive"
    fail "the archive of $1 $2 has SHA-256 $sum instead of $4, so it is not the program that was pinned; it was deleted and nothing was changed. Compare versions.$1 in the environment file with the publisher's SHA256SUMS (from $3), and deploy again."
  fi
  command -v unzip >/dev/null 2>&1 || fail "unzip is missing, so $1 cannot be unpacked; nothing was changed. On the node: apt-get install -y unzip; then deploy again."
  unzip -q -o "$archive" "$1" -d "$work" || fail "the archive $archive has no program $1 in it; nothing was changed. Correct versions.$1.url in the environment file."
}

program_place() { # NAME
  [ -f "$work/$1" ] || return 0
  (umask 022 && mkdir -p "$programs")
  cp "$work/$1" "$programs/.$1.new"
  chmod 0755 "$programs/.$1.new"
  mv -f "$programs/.$1.new" "$programs/$1"
  rm -f "$work/$1"
  say "installed $1 $(program_version "$1")"
}
`;
