"""Reads systemd unit files: what this service manager honours, what it knowingly leaves out, what it does not know."""
import re
from dataclasses import dataclass, field
from pathlib import Path

# As systemd's system.conf has them.
DEFAULT_TIMEOUT_S = 90.0
DEFAULT_RESTART_S = 0.1
DEFAULT_START_LIMIT_INTERVAL_S = 10.0
DEFAULT_START_LIMIT_BURST = 5

LISTS = {"After", "Before", "WantedBy", "Alias", "Environment", "EnvironmentFile", "ExecStartPre", "ExecStart", "ExecReload"}
VALUES = {
    "Description", "Type", "User", "Group", "WorkingDirectory", "RuntimeDirectory", "KillMode", "KillSignal", "TimeoutStartSec", "TimeoutStopSec",
    "TimeoutSec", "Restart", "RestartSec", "RestartPreventExitStatus", "StartLimitIntervalSec", "StartLimitBurst", "OOMScoreAdjust",
    "LimitNOFILE", "LimitNPROC", "LimitCORE", "LimitMEMLOCK", "AmbientCapabilities", "CapabilityBoundingSet", "NoNewPrivileges", "ProtectSystem", "ProtectHome",
}
HONOURED = LISTS | VALUES
# Wants: nothing is pulled in that is not enabled. Delegate, TasksMax: services share the node's cgroup here.
LEFT_OUT = {"Documentation", "Wants", "Delegate", "TasksMax"}

TYPES = ("simple", "exec", "notify", "oneshot")
KILL_MODES = ("control-group", "mixed", "process", "none")
RESTARTS = ("no", "always", "on-success", "on-failure", "on-abnormal", "on-abort")


class UnitError(Exception):
    """The unit file is not one that can be run; the text says what to change."""


@dataclass
class Unit:
    name: str
    lists: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    #: Directives that are not known here, so that nobody believes them to be in force.
    unknown: list = field(default_factory=list)

    def all(self, directive):
        return self.lists.get(directive, [])

    def get(self, directive, default=""):
        return self.values.get(directive) or default

    def seconds(self, directive, default):
        """Seconds, or None for no limit. TimeoutSec stands for both timeouts."""
        text = self.values.get(directive) or (self.values.get("TimeoutSec") if directive.startswith("Timeout") else None)
        return default if text is None else parse_seconds(text)

    def flag(self, directive):
        return self.get(directive).lower() in ("1", "yes", "true", "on")


def parse_seconds(text):
    """Seconds of systemd's time span ("90", "5min 20s"); None for "infinity"."""
    if text.strip() == "infinity":
        return None
    factors = {"": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1, "ms": 0.001, "m": 60, "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400}
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text)
    if not parts or re.sub(r"\d+(?:\.\d+)?\s*[a-z]*", "", text).strip() or any(unit not in factors for _, unit in parts):
        raise UnitError(f'"{text}" is no time span; write seconds, or for example 5min 20s')
    return sum(float(number) * factors[unit] for number, unit in parts)


def _lines(text):
    """Logical lines: without comments, with continuation lines joined."""
    pending = ""
    for line in text.splitlines():
        if not pending and line.lstrip()[:1] in ("#", ";", ""):
            continue
        if pending and line.lstrip()[:1] in ("#", ";"):
            continue
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        yield pending.strip()
        pending = ""
    if pending:
        yield pending.strip()


def parse(name, text):
    """The unit of a file's text.

    Raises UnitError when it cannot be run as it is meant.
    """
    unit = Unit(name)
    for line in _lines(text):
        if line.startswith("["):
            continue
        directive, mark, value = line.partition("=")
        directive, value = directive.strip(), value.strip()
        if not mark:
            raise UnitError(f'{name}: "{line}" is no assignment; write Directive=value')
        if directive in LISTS:
            # An empty assignment takes back what was assigned before it.
            previous = unit.lists.get(directive, []) if value else []
            separate = directive in ("After", "Before", "WantedBy", "Alias")
            unit.lists[directive] = previous + (value.split() if separate else [value] if value else [])
        elif directive in VALUES:
            unit.values[directive] = value
        elif directive not in LEFT_OUT:
            unit.unknown.append(directive)
    _check(unit)
    return unit


def _check(unit):
    if len(unit.all("ExecStart")) != 1:
        raise UnitError(f"{unit.name} has {len(unit.all('ExecStart'))} ExecStart lines instead of one, so it is not known what to run")
    for directive, known in (("Type", TYPES), ("KillMode", KILL_MODES), ("Restart", RESTARTS)):
        value = unit.get(directive, known[0])
        if value not in known:
            raise UnitError(f"{unit.name}: {directive}={value} is not supported by the lab's service manager; it knows {', '.join(known)}")
    for directive in ("TimeoutStartSec", "TimeoutStopSec", "RestartSec", "StartLimitIntervalSec"):
        unit.seconds(directive, None)


def full_name(name):
    return name if "." in name else f"{name}.service"


def load(folder, name):
    """The unit `name` of a folder of unit files, by its own name when `name` is an alias.

    Raises FileNotFoundError, UnitError.
    """
    path = (Path(folder) / full_name(name)).resolve()
    return parse(path.name, path.read_text(encoding="utf-8"))
