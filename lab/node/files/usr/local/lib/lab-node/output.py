"""Output of units: a file for each, rotated, and all of it to the container's own output."""
import os
import time

# Twice this per unit is on disk at most.
ROTATE_AT_BYTES = 8 * 1024 * 1024
# A line longer than this is broken, so that a unit that writes none cannot fill the memory of PID 1.
LONGEST_LINE = 64 * 1024


class Journal:
    """The log of one unit, `<folder>/<unit without .service>.log`, and `.log.1` for what is older."""

    def __init__(self, folder, unit, host, echo):
        self.name = unit.removesuffix(".service")
        self.path = os.path.join(folder, f"{self.name}.log")
        self.host = host
        self.echo = echo
        os.makedirs(folder, exist_ok=True)
        self.file = open(self.path, "ab", buffering=0)

    def write(self, identifier, line):
        """One line, as `journalctl -o short-iso` shows it."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self.file.write(f"{stamp} {self.host} {identifier}: ".encode() + line + b"\n")
        self.echo(f"{self.name}: ".encode() + line + b"\n")
        if self.file.tell() > ROTATE_AT_BYTES:
            self.file.close()
            os.replace(self.path, f"{self.path}.1")
            self.file = open(self.path, "ab", buffering=0)


def collect(loop, journal, program):
    """A descriptor to hand to a process as its output; its lines go to the journal until all who hold it are gone."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    rest = b""

    def ready():
        nonlocal rest
        try:
            data = os.read(read, 65536)
        except BlockingIOError:
            return
        *lines, rest = (rest + data).split(b"\n")
        if rest and (not data or len(rest) > LONGEST_LINE):
            lines, rest = [*lines, rest], b""
        for line in lines:
            journal.write(program, line.rstrip(b"\r"))
        if not data:
            loop.unwatch(read)
            os.close(read)

    loop.watch(read, ready)
    return write


def container_output():
    """Writes to the container's log and never waits for it: an engine that is busy must not stop PID 1."""
    os.set_blocking(1, False)

    def echo(data):
        try:
            os.write(1, data)
        except OSError:
            pass

    return echo
