#!/bin/sh
# A double of MinIO's client: buckets are folders of the double's server. MC_DOUBLE is the server's folder.
set -eu
[ "$1" = --quiet ] && shift
at() { case $1 in gvfx/*) printf '%s\n' "$MC_DOUBLE/${1#gvfx/}" ;; *) printf '%s\n' "$1" ;; esac; }
case $1 in
  alias)
    read -r user
    read -r password
    [ "$user" = "$MC_DOUBLE_USER" ] && [ -n "$password" ]
    ;;
  mb) mkdir -p "$(at "$3")" ;;
  mirror)
    from=$(at "$3")
    to=$(at "$4")
    cp -r "$from/." "$to/"
    # A planted defect: the store loses what it was told to lose.
    if [ -e "${MC_DOUBLE}/../../lose" ]; then find "$MC_DOUBLE" -type f ! -path '*/.minio.sys/*' -delete; fi
    ;;
  *) echo "the double of mc does not know $1" >&2; exit 1 ;;
esac
