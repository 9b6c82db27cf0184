"""
Gives the node a cgroup tree of its own, rooted in its container's cgroup.

Then its engine's containers and its Nomad's tasks are inside the container's
cgroup: `docker pause` of the node stops them too, `docker update` slows them,
and nothing of them is left when the node is removed. It is the same on cgroup
v1 and v2, whatever the container's `cgroupns` is. PID 1 must be started by
`unshare --cgroup`.
"""
import os
import subprocess

ROOT = "/sys/fs/cgroup"
TRIES = 5


def hierarchies(text):
    """(folder, mount type, mount options) for each line of /proc/self/cgroup; folder "" is the root itself."""
    lines = [line.split(":", 2) for line in text.splitlines() if line]
    if [controllers for _, controllers, _ in lines] == [""]:
        return [("", "cgroup2", "")]
    result = []
    for _, controllers, _ in lines:
        if not controllers:
            result.append(("unified", "cgroup2", ""))
        elif controllers.startswith("name="):
            result.append((controllers.removeprefix("name="), "cgroup", f"none,{controllers}"))
        else:
            result.append((controllers, "cgroup", controllers))
    return result


def mount_own():
    """Mounts the tree. Raises subprocess.CalledProcessError, OSError when the container lacks CAP_SYS_ADMIN or its seccomp profile forbids it."""
    with open("/proc/self/cgroup", encoding="ascii") as file:
        wanted = hierarchies(file.read())
    if wanted[0][0] == "":
        _mount("cgroup2", "", ROOT)
        _delegate()
        return
    _mount("tmpfs", "mode=755", ROOT)
    for folder, kind, options in wanted:
        path = os.path.join(ROOT, folder)
        os.makedirs(path)
        _mount(kind, options, path)
        for name in folder.split(",") if "," in folder else []:
            os.symlink(folder, os.path.join(ROOT, name))


def _mount(kind, options, path):
    subprocess.run(["mount", "-t", kind, *(["-o", options] if options else []), kind, path], check=True)


def _delegate():
    """A v2 cgroup that has processes of its own cannot hand controllers down: ours go to a leaf."""
    os.makedirs(f"{ROOT}/init", exist_ok=True)
    _leave_root()
    with open(f"{ROOT}/cgroup.controllers", encoding="ascii") as file:
        controllers = file.read().split()
    for controller in controllers:
        # More than once: a health check of the container may start a process in between.
        for _ in range(TRIES):
            if _write(f"{ROOT}/cgroup.subtree_control", f"+{controller}"):
                break
            _leave_root()


def _leave_root():
    with open(f"{ROOT}/cgroup.procs", encoding="ascii") as file:
        pids = file.read().split()
    for pid in pids:
        _write(f"{ROOT}/init/cgroup.procs", pid)


def _write(path, text):
    """Whether the kernel took it: a process may have ended, a controller may not be for children."""
    try:
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return True
    except OSError:
        return False
