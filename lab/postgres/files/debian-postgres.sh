#!/bin/sh
# Leaves an image alone whose programs are all of the server's version; otherwise puts Debian's Postgres in their place.
set -eu
here=/usr/local/share/gvfx-postgres
major() { "$1" --version 2>/dev/null | grep -o '[0-9][0-9]*' | head -n 1; }

server=$(major postgres)
missing=""
for program in pg_basebackup pg_verifybackup pg_isready psql; do
  [ "$(major "$program")" = "$server" ] || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

# An image may set it for its own server; Debian's programs have theirs.
unset LD_LIBRARY_PATH
apt-get update -q
apt-get install -y -q --no-install-recommends postgresql-common gosu
echo "create_main_cluster = false" >>/etc/postgresql-common/createcluster.conf
apt-get install -y -q --no-install-recommends postgresql
rm -rf /var/lib/apt/lists/*

folder=$(ls -d /usr/lib/postgresql/*/bin)
# Before every other folder of PATH: the other server's programs would be found first.
first=${PATH%%:*}
mkdir -p "$first"
for program in "$folder"/*; do
  rm -f "$first/${program##*/}"
  printf '#!/bin/sh\nunset LD_LIBRARY_PATH\nexec %s "$@"\n' "$program" >"$first/${program##*/}"
  chmod 0755 "$first/${program##*/}"
done

mkdir -p /docker-entrypoint-initdb.d
install -d -o postgres -g postgres -m 1777 /var/lib/postgresql /var/lib/postgresql/data
install -d -o postgres -g postgres -m 3777 /var/run/postgresql
for sample in /usr/share/postgresql/*/postgresql.conf.sample; do sed -i "s/^#\?listen_addresses.*/listen_addresses = '*'/" "$sample"; done
version=$("$folder/postgres" --version)
{ sed -n 1p "$here/docker-entrypoint.sh"
  printf 'echo "%s of Debian: this image of postgres:17 has no programs of its server'"'"'s version:%s" >&2\n' "$version" "$missing"
  # What the official image sets in its environment.
  printf 'export PG_MAJOR=%s LANG="${LANG:-C.UTF-8}" PGDATA="${PGDATA:-/var/lib/postgresql/data}"\n' "$(major "$folder/postgres")"
  sed 1d "$here/docker-entrypoint.sh"
} >/usr/local/bin/docker-entrypoint.sh
chmod 0755 /usr/local/bin/docker-entrypoint.sh
