"""sd_notify(3): a service of Type=notify says itself when it is ready."""
import os
import socket
import struct


class Readiness:
    """Calls `ready(pid)` for each READY=1, with the process that said so."""

    def __init__(self, loop, path, ready):
        self.loop, self.path, self.ready = loop, path, ready
        if os.path.exists(path):
            os.unlink(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(path)
        # Services that are not root write to it too; who wrote is told by the kernel.
        os.chmod(path, 0o666)
        loop.watch(self.socket, self._receive)

    def _receive(self):
        try:
            data, ancillary, *_ = self.socket.recvmsg(4096, socket.CMSG_SPACE(struct.calcsize("3i")))
        except BlockingIOError:
            return
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and b"READY=1" in data.split(b"\n"):
                self.ready(struct.unpack("3i", content[:12])[0])

    def close(self):
        self.loop.unwatch(self.socket)
        self.socket.close()
        os.unlink(self.path)
