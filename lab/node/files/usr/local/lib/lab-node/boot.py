"""What a machine's boot does and a container's does not: an empty /run, its own cgroups, a firewall that works here."""
import os
import shutil
import subprocess

import cgroups


def prepare(say):
    try:
        cgroups.mount_own()
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"no cgroups of its own ({error}), so a pause of this container does not pause the containers inside; it needs CAP_SYS_ADMIN and seccomp=unconfined")
    _empty_run()
    _choose_iptables(say)


def _empty_run():
    """Pid files and sockets of the last run: dockerd refuses to start beside a pid file whose number is taken again."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [line.split()[4] for line in file]
    for name in os.listdir("/run"):
        path = f"/run/{name}"
        if any(mount == path or mount.startswith(f"{path}/") for mount in mounts):
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
    os.makedirs("/run/lock", exist_ok=True)


def _choose_iptables(say):
    """The nf_tables variant, or the older one on a kernel that has only that."""
    if _works("iptables") or not _works("iptables-legacy"):
        return
    for program in ("iptables", "ip6tables"):
        subprocess.run(["update-alternatives", "--set", program, f"/usr/sbin/{program}-legacy"], check=False, stdout=subprocess.DEVNULL)
    say("the kernel has no nf_tables for iptables; uses iptables-legacy")


def _works(program):
    return subprocess.run([program, "--wait", "-nL"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
