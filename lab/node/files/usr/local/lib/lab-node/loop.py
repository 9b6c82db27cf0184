"""One thread that waits for files, timers, signals and children, and starts processes."""
import heapq
import itertools
import os
import resource
import selectors
import signal
import socket
import time

LIMITS = {"LimitNOFILE": resource.RLIMIT_NOFILE, "LimitNPROC": resource.RLIMIT_NPROC, "LimitCORE": resource.RLIMIT_CORE, "LimitMEMLOCK": resource.RLIMIT_MEMLOCK}


class Timer:
    def __init__(self, run):
        self.run = run

    def cancel(self):
        self.run = None


class Loop:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers = []
        self.order = itertools.count()
        self.children = {}
        self.signals = {}
        self.running = False
        self.woken, self.waker = socket.socketpair()
        for end in (self.woken, self.waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno(), warn_on_full_buffer=False)
        self.watch(self.woken, self._on_wake)
        self.on_signal(signal.SIGCHLD, self.reap)

    def watch(self, file, run):
        self.selector.register(file, selectors.EVENT_READ, run)

    def unwatch(self, file):
        self.selector.unregister(file)

    def later(self, seconds, run):
        timer = Timer(run)
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.order), timer))
        return timer

    def on_signal(self, number, run):
        self.signals[number] = run
        signal.signal(number, lambda *_: None)

    def _on_wake(self):
        for number in set(self.woken.recv(4096)):
            if number in self.signals:
                self.signals[number]()

    def reap(self):
        """Every child that ended, orphans that were given to this process included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = self.children.pop(pid, None)
            if ended:
                ended(status)

    def step(self, at_most=None):
        """Waits for the next event, for `at_most` seconds, and runs what it is for."""
        until = [self.timers[0][0]] if self.timers else []
        until += [time.monotonic() + at_most] if at_most is not None else []
        timeout = max(0.0, min(until) - time.monotonic()) if until else None
        for key, _ in self.selector.select(timeout):
            # What ran before may have closed it.
            if self.selector.get_map().get(key.fd) is key:
                key.data()
        while self.timers and self.timers[0][0] <= time.monotonic():
            timer = heapq.heappop(self.timers)[2]
            if timer.run:
                timer.run()

    def run(self):
        self.running = True
        while self.running:
            self.step()

    def spawn(self, command, output, ended, extra_environment=None):
        """Starts a process in a session of its own, its output to the descriptor `output`.

        `ended(status)` is called when it has ended. Raises OSError when the program cannot be run.
        """
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(command, output, write, extra_environment or {})
        os.close(write)
        with os.fdopen(read, "rb") as failure:
            problem = failure.read()
        if problem:
            os.waitpid(pid, 0)
            raise OSError(problem.decode())
        self.children[pid] = ended
        return pid


def _become(command, output, failure, extra_environment):
    """In the new process: what it inherits, and then the program. Does not return."""
    try:
        os.setsid()
        os.umask(0o022)
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        nothing = os.open("/dev/null", os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        for directive, value in command.limits.items():
            _limit(LIMITS[directive], value)
        if command.oom_score_adjust is not None:
            _oom_score_adjust(command.oom_score_adjust)
        os.chdir(command.directory)
        os.execvpe(command.argv[0], command.argv, command.environment | extra_environment)
    except BaseException as error:
        os.write(failure, f"{command.argv[0]}: {getattr(error, 'strerror', None) or error}".encode())
    finally:
        os._exit(203)


def _limit(which, value):
    """The limit, or the nearest that a container without CAP_SYS_RESOURCE may have."""
    wanted = resource.RLIM_INFINITY if value == "infinity" else int(value)
    try:
        resource.setrlimit(which, (wanted, wanted))
    except (ValueError, OSError):
        ceiling = resource.getrlimit(which)[1]
        resource.setrlimit(which, (ceiling, ceiling) if wanted == resource.RLIM_INFINITY or wanted > ceiling else (wanted, ceiling))


def _oom_score_adjust(value):
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(str(value))
    except PermissionError:
        # Lower than one's own needs CAP_SYS_RESOURCE, which the host of a lab may not have either.
        pass
