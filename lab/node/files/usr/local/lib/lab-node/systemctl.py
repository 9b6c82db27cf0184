#!/usr/bin/python3
"""systemctl of the lab's service manager: the verbs that deliveries and operators use, with systemd's exit codes."""
import argparse
import sys

import control
from places import Places

WITH_UNITS = ("start", "stop", "restart", "reload", "kill", "is-active", "is-failed", "is-enabled", "enable", "disable", "status")
WITHOUT = ("daemon-reload", "reset-failed", "is-system-running", "list-units")
ASKING = ("is-active", "is-failed", "is-enabled", "is-system-running")


def main():
    parser = argparse.ArgumentParser(prog="systemctl", description="Service manager of a lab node; not systemd.")
    parser.add_argument("verb", choices=[*WITH_UNITS, *WITHOUT])
    parser.add_argument("units", nargs="*")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("--now", action="store_true", help="with enable and disable: start or stop too")
    parser.add_argument("-s", "--signal", default="SIGTERM", help="with kill")
    parser.add_argument("--kill-whom", "--kill-who", choices=["main", "all"], default="all", help="with kill")
    parser.add_argument("--no-pager", action="store_true", help="there is none")
    options = parser.parse_intermixed_args()
    if options.verb in WITH_UNITS and not options.units:
        parser.error(f"{options.verb} needs the name of a unit")

    code = request(options, options.verb)
    if code == 0 and options.now and options.verb in ("enable", "disable"):
        code = request(options, {"enable": "start", "disable": "stop"}[options.verb])
    sys.exit(code)


def request(options, verb):
    try:
        code, out, err = control.ask(Places().control, {"verb": verb, "units": options.units, "signal": options.signal, "whom": options.kill_whom})
    except OSError as error:
        print(f"systemctl: the service manager (PID 1) does not answer: {error}", file=sys.stderr)
        return 1
    if out and not options.quiet:
        print(out, file=sys.stdout if verb in (*ASKING, "status", "list-units") else sys.stderr)
    if err:
        print(err, file=sys.stderr)
    return code


main()
