#!/bin/sh
# Prints an admin key of the legacy Convex, as the real image's generate_admin_key.sh does.
set -eu
cd "$(dirname "$0")/.."
set -a
. ./convex/.env
exec bun run convex/generate-admin-key.js
