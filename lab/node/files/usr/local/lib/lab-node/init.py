#!/usr/bin/python3
"""PID 1 of a node of the lab: boots, runs the enabled units, reaps every process, stops orderly."""
import os
import signal
import sys

import boot
import control
import enablement
from loop import Loop
from manager import Manager
from output import container_output
from places import Places
from unit_file import load

# What a node runs before anything is delivered to it, by its role.
BUILT_IN = {"app": ("ssh.service", "docker.service"), "witness": ("ssh.service",)}
# An engine kills a container ten seconds after asking it to stop; a stop that is cut there leaves Docker's state half written.
SHUT_DOWN_WITHIN_S = 6


def main():
    role = os.environ.get("GVFX_LAB_ROLE", "")
    if role not in BUILT_IN:
        sys.exit(f'lab-node: GVFX_LAB_ROLE is "{role}", so it is not known whether this node has a Docker engine; set it to {" or ".join(BUILT_IN)}')
    places, loop = Places(), Loop()
    manager = Manager(loop, places, container_output())
    boot.prepare(manager.say)
    os.makedirs(places.run, exist_ok=True)
    for name in {unit for units in BUILT_IN.values() for unit in units}:
        if name in BUILT_IN[role]:
            enablement.enable(places.units, load(places.units, name))
        else:
            enablement.disable(places.units, name)
    control.serve(loop, places.control, manager.handle)

    def finish():
        manager.say("stops what is left")
        os._exit(0)

    def shut_down():
        if manager.phase != "stopping":
            manager.say("stopping")
            manager.shut_down(SHUT_DOWN_WITHIN_S, finish)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.on_signal(number, shut_down)
    manager.say(f"{role} node {manager.host}")
    manager.boot()
    loop.run()


main()
