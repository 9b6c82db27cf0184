"""Processes that are not children of the service manager any more, found in /proc."""
import os
import signal


def session_members(session):
    """Process ids of a session, zombies left out: what a unit's control group is in a real systemd, as long as nobody leaves the session."""
    members = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                # The name is in brackets and may hold anything; what follows is state, parent, group, session.
                state, _, _, its = file.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its) == session and state != "Z":
            members.append(int(entry))
    return members


def send(pid, number):
    """Sends a signal; to a process that is gone it is nothing."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def signal_number(name):
    """Number of SIGTERM, TERM or 15. Raises ValueError."""
    if name.isdigit():
        return signal.Signals(int(name)).value
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"].value
    except KeyError as error:
        raise ValueError(f'"{name}" is no signal') from error


def describe(status):
    """How a process ended, in systemd's words."""
    code = os.waitstatus_to_exitcode(status)
    return f"code=exited, status={code}" if code >= 0 else f"code=killed, status={-code}/{signal.Signals(-code).name.removeprefix('SIG')}"
