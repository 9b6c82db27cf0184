#!/bin/sh
if ! unshare --cgroup -- true 2>/dev/null; then
  echo "lab-node: this container may not do what a node does; start it with the capabilities and security options of constructs/lab/nodes.ts (SYS_ADMIN, seccomp=unconfined and so on)" >&2
  exit 1
fi
# Docker hides parts of /proc and mounts /sys read-only, under which an engine inside cannot start a container.
# `--security-opt systempaths=unconfined` would leave that out, but is an option of Docker's own CLI: its API, and
# so Terraform, has no word for it. With CAP_SYS_ADMIN a machine undoes it for itself, at every start.
awk '$2 ~ "^/(proc|sys/firmware)(/|$)" && $2 != "/proc" { print $2 }' /proc/self/mounts | sort -r | while read -r masked; do umount "$masked"; done
mount -o remount,rw /sys
# A cgroup namespace of its own: see cgroups.py.
exec unshare --cgroup -- /usr/local/lib/lab-node/init.py
