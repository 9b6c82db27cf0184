"""Socket on which systemctl asks: one line of JSON each way."""
import json
import os
import socket

# The longest question is a list of unit names.
LONGEST_REQUEST = 65536


def serve(loop, path, handle):
    """Listens at `path`, for root alone. `handle(request, done)` is called for each question; `done(code, out, err)` answers it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    before = os.umask(0o177)
    listener.bind(path)
    os.umask(before)
    listener.listen(32)
    loop.watch(listener, lambda: _accept(loop, listener, handle))
    return listener


def _accept(loop, listener, handle):
    connection, _ = listener.accept()
    connection.setblocking(False)
    received = b""

    def read():
        nonlocal received
        try:
            data = connection.recv(LONGEST_REQUEST)
        except BlockingIOError:
            return
        received += data
        if b"\n" in received or not data or len(received) > LONGEST_REQUEST:
            loop.unwatch(connection)
            _answer(connection, received, handle)

    loop.watch(connection, read)


def _answer(connection, line, handle):
    def done(code, out, err):
        try:
            connection.setblocking(True)
            # Who asked may be gone, and must not hold PID 1.
            connection.settimeout(1)
            connection.sendall(json.dumps({"code": code, "out": out, "err": err}).encode() + b"\n")
        except OSError:
            pass
        finally:
            connection.close()

    try:
        request = json.loads(line)
    except ValueError:
        connection.close()
        return
    handle(request, done)


def ask(path, request):
    """(code, out, err) of a question. Raises OSError when nobody listens at `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(json.dumps(request).encode() + b"\n")
        with connection.makefile("r", encoding="utf-8") as answers:
            line = answers.readline()
    if not line:
        raise ConnectionError("the service manager closed the connection without an answer")
    answer = json.loads(line)
    return answer["code"], answer["out"], answer["err"]
