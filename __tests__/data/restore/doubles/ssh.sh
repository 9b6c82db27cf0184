#!/bin/sh
# A double of ssh: every node is this machine. What a node would run is the last argument.
for command; do :; done
exec sh -c "$command"
