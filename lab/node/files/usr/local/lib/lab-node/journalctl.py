#!/usr/bin/python3
"""journalctl of the lab's service manager: `journalctl -u UNIT [-n LINES] [-f]`."""
import argparse
import os
import sys
import time
from collections import deque

from places import Places

# How often -f looks for new lines.
FOLLOW_S = 0.25


def lines_of(path):
    for part in (f"{path}.1", path):
        if os.path.exists(part):
            with open(part, encoding="utf-8", errors="replace") as file:
                yield from file


def follow(path):
    file = open(path, encoding="utf-8", errors="replace")
    file.seek(0, os.SEEK_END)
    while True:
        line = file.readline()
        if line:
            print(line, end="", flush=True)
        elif os.stat(path).st_ino != os.fstat(file.fileno()).st_ino:
            file = open(path, encoding="utf-8", errors="replace")
        else:
            time.sleep(FOLLOW_S)


def main():
    parser = argparse.ArgumentParser(prog="journalctl", description="Logs of the units of a lab node; not systemd's journal.")
    parser.add_argument("-u", "--unit", required=True)
    parser.add_argument("-n", "--lines", help="the last ones only; a number, or all")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.add_argument("--no-pager", action="store_true", help="there is none")
    options = parser.parse_args()
    path = f"{Places().logs}/{options.unit.removesuffix('.service')}.log"
    if not os.path.exists(path):
        sys.exit(f"journalctl: {options.unit} has written nothing on this node ({path})")
    count = options.lines or ("10" if options.follow else "all")
    for line in lines_of(path) if count == "all" else deque(lines_of(path), maxlen=int(count)):
        print(line, end="")
    if options.follow:
        sys.stdout.flush()
        follow(path)


try:
    main()
except (KeyboardInterrupt, BrokenPipeError):
    os._exit(0)
