"""Whether a service that ended is started again, as systemd.service(5) has it."""
import os
import signal
from collections import deque

from unit_file import DEFAULT_START_LIMIT_BURST, DEFAULT_START_LIMIT_INTERVAL_S

CLEAN_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)


def result_of(status):
    """`success`, `exit-code`, `signal` or `core-dump`, from a wait status."""
    code = os.waitstatus_to_exitcode(status)
    if code == 0 or -code in CLEAN_SIGNALS:
        return "success"
    if code > 0:
        return "exit-code"
    return "core-dump" if os.WCOREDUMP(status) else "signal"


def starts_again(unit, result, status=None):
    """After an end that nobody asked for. `result` may be `timeout` and `resources` too."""
    restart = unit.get("Restart", "no")
    if status is not None and os.WIFEXITED(status) and str(os.WEXITSTATUS(status)) in unit.get("RestartPreventExitStatus").split():
        return False
    return {
        "no": False,
        "always": True,
        "on-success": result == "success",
        "on-failure": result != "success",
        "on-abnormal": result in ("signal", "core-dump", "timeout"),
        "on-abort": result in ("signal", "core-dump"),
    }[restart]


class StartLimit:
    """No more than StartLimitBurst starts in StartLimitIntervalSec; an interval of 0 is no limit."""

    def __init__(self):
        self.starts = deque()

    def admits(self, unit, now):
        """Counts a start at `now` (seconds of any steady clock), unless there were too many."""
        interval = unit.seconds("StartLimitIntervalSec", DEFAULT_START_LIMIT_INTERVAL_S)
        if interval == 0:
            return True
        while self.starts and interval is not None and self.starts[0] <= now - interval:
            self.starts.popleft()
        if len(self.starts) >= int(unit.get("StartLimitBurst") or DEFAULT_START_LIMIT_BURST):
            return False
        self.starts.append(now)
        return True

    def forget(self):
        self.starts.clear()
