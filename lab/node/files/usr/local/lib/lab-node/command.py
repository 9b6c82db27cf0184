"""What a unit's Exec lines become: arguments, privileges, environment, limits."""
import os
import pwd
import shlex
import socket
from dataclasses import dataclass, field

# systemd's own for system services.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# ProtectSystem=full and ProtectHome=yes, as systemd makes them: read-only views and an empty place, in a mount namespace of the service.
READ_ONLY = {"yes": ("/usr", "/boot"), "full": ("/usr", "/boot", "/etc"), "strict": ("/",)}
HOMES = ("/home", "/root", "/run/user")


@dataclass
class Command:
    argv: list
    #: Its failure counts as success ("-" before the program).
    may_fail: bool = False
    environment: dict = field(default_factory=dict)
    #: Limits by directive, each a number or "infinity".
    limits: dict = field(default_factory=dict)
    oom_score_adjust: int | None = None
    directory: str = "/"


def words(line, variables):
    """Splits an Exec line; `$NAME` that is a word becomes words, `${NAME}` is replaced in place, `%n` and `%H` are the unit's and the host's name."""
    result = []
    for word in shlex.split(line):
        word = _specifiers(word, variables)
        if word.startswith("$") and word[1:].isidentifier():
            result += variables.get(word[1:], "").split()
            continue
        for name, value in variables.items():
            word = word.replace("${" + name + "}", value)
        result.append(word.replace("$$", "$"))
    return result


def _specifiers(word, variables):
    for mark, value in (("%n", variables.get("_UNIT", "")), ("%H", socket.gethostname()), ("%%", "%")):
        word = word.replace(mark, value)
    return word


def environment(unit, main_pid=None):
    """Of a unit's processes: PATH, its own Environment and EnvironmentFile, and the user's; nothing of the container's."""
    result = {"PATH": DEFAULT_PATH, "LANG": "C.UTF-8"}
    if unit.get("User"):
        entry = pwd.getpwnam(unit.get("User"))
        result |= {"USER": entry.pw_name, "LOGNAME": entry.pw_name, "HOME": entry.pw_dir, "SHELL": entry.pw_shell}
    for line in unit.all("Environment"):
        result |= dict(word.split("=", 1) for word in shlex.split(line))
    for name in unit.all("EnvironmentFile"):
        result |= _environment_file(name)
    if main_pid:
        result["MAINPID"] = str(main_pid)
    return result


def _environment_file(name):
    optional, path = name.startswith("-"), name.lstrip("-")
    if optional and not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        lines = (line.strip() for line in file)
        return dict(" ".join(shlex.split(line)).split("=", 1) for line in lines if "=" in line and line[0] not in "#;")


def privileges(unit):
    """Arguments of setpriv(1) that give a process the unit's user and capabilities; none for a process that stays root as it is."""
    options = []
    user, group = unit.get("User"), unit.get("Group")
    if user:
        options += [f"--reuid={user}", f"--regid={group or pwd.getpwnam(user).pw_gid}", "--init-groups"]
    elif group:
        options += [f"--regid={group}", "--keep-groups"]
    ambient = _capabilities(unit.get("AmbientCapabilities"))
    if ambient:
        options += [f"--inh-caps={ambient}", f"--ambient-caps={ambient}"]
    bounding = _capabilities(unit.get("CapabilityBoundingSet"))
    if bounding:
        options += [f"--bounding-set={bounding}"]
    if unit.flag("NoNewPrivileges"):
        options.append("--no-new-privs")
    return ["setpriv", *options, "--"] if options else []


def _capabilities(names):
    return ",".join(["-all", *(f"+{name.lower().removeprefix('cap_')}" for name in names.split())]) if names.strip() else ""


def confinement(unit):
    """Arguments that run what follows in a mount namespace with the unit's protections; none when it has none."""
    read_only = READ_ONLY.get(unit.get("ProtectSystem").lower().replace("true", "yes"), ())
    hidden = HOMES if unit.flag("ProtectHome") else ()
    if not read_only and not hidden:
        return []
    steps = [f"[ ! -d {path} ] || mount --bind -o ro {path} {path}" for path in read_only]
    steps += [f"[ ! -d {path} ] || mount -t tmpfs -o ro,mode=000,size=4k tmpfs {path}" for path in hidden]
    return ["unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-ec", "\n".join([*steps, 'exec "$@"']), "sh"]


def command(unit, line, main_pid=None):
    """The command of an Exec line of the unit."""
    marks = ""
    while line[:1] in "-+!@:" and line:
        marks, line = marks + line[0], line[1:]
    variables = environment(unit, main_pid)
    argv = words(line, variables | {"_UNIT": unit.name})
    # "+": as root, whatever the unit says.
    prefix = [] if "+" in marks else [*confinement(unit), *privileges(unit)]
    return Command(
        argv=[*prefix, *argv],
        may_fail="-" in marks,
        environment=variables,
        limits={directive: value for directive, value in unit.values.items() if directive.startswith("Limit") and value},
        oom_score_adjust=int(unit.get("OOMScoreAdjust")) if unit.get("OOMScoreAdjust") else None,
        directory=unit.get("WorkingDirectory", "/"),
    )
