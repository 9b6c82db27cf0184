#!/bin/sh
# As the real image's: prints an admin key for this instance.
exec bun /convex/generate-admin-key.js
