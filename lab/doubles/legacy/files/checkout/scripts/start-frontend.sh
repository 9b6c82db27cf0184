#!/bin/sh
exec "$(dirname "$0")/one-process.sh" start frontend
