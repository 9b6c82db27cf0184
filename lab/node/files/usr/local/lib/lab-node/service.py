"""One service: its processes, its state, and what follows when they end."""
import os
import pwd
import signal
import time

from command import command
from notify import Readiness
from output import collect
from policy import StartLimit, result_of, starts_again
from processes import describe, send, session_members, signal_number
from unit_file import DEFAULT_RESTART_S, DEFAULT_TIMEOUT_S

# How often a stop looks whether what is left of a service has gone; only processes that are no children of ours need it.
LOOK_S = 0.1


class Service:
    """`start`, `stop`, `restart` and `reload` answer by `done(error)`, an error being a text or None."""

    def __init__(self, unit, loop, journal, run_folder):
        self.unit, self.loop, self.journal, self.run_folder = unit, loop, journal, run_folder
        #: inactive, activating, active, deactivating, failed; and what exactly, in systemd's words.
        self.state, self.sub = "inactive", "dead"
        self.result = "success"
        self.main_pid = self.control_pid = self.session = None
        self.since = time.time()
        self.restarts = 0
        self.limit = StartLimit()
        self.starting, self.stopping = [], []
        self.timer = self.readiness = None
        self.start_after_stop = False

    # What is asked of it.

    def start(self, done):
        if self.state == "active":
            return done(None)
        self.starting.append(done)
        if self.state == "deactivating":
            self.start_after_stop = True
        elif self.sub == "auto-restart" or self.state != "activating":
            self._begin()
        return None

    def stop(self, done):
        if self.state in ("inactive", "failed"):
            return done(None)
        self.stopping.append(done)
        if self.sub == "auto-restart":
            self._settle("inactive", "dead")
        elif self.state != "deactivating":
            self._say("Stopping")
            self._begin_stop("success")
        self.start_after_stop = False
        self._answer(self.starting, f"the start of {self.unit.name} was cancelled by a stop")
        return None

    def restart(self, done):
        self.stop(lambda error: done(error) if error else self.start(done))

    def reload(self, done):
        if self.state != "active":
            return done(f"{self.unit.name} is not active, so it cannot be reloaded")
        if not self.unit.all("ExecReload"):
            return done(f"{self.unit.name} has no ExecReload, so it cannot be reloaded; restart it")
        return self._run_all(list(self.unit.all("ExecReload")), lambda error: done(error and f"ExecReload of {self.unit.name} failed: {error}"))

    def kill(self, number, whom):
        """Sends a signal to the main process, or to `all` of the service. Returns an error, or None."""
        pids = [self.main_pid] if self.main_pid else []
        if whom == "all":
            pids = sorted({*pids, *([self.control_pid] if self.control_pid else []), *(session_members(self.session) if self.session else [])})
        for pid in pids:
            send(pid, number)
        return None if pids else f"{self.unit.name} has no process"

    def forget_failure(self):
        self.limit.forget()
        if self.state == "failed":
            self._become("inactive", "dead")

    # Start.

    def _begin(self):
        self._cancel_timer()
        if not self.limit.admits(self.unit, time.monotonic()):
            return self._failed("start-limit-hit", "it was started too often; see its log, then: systemctl reset-failed " + self.unit.name)
        self._become("activating", "start-pre")
        self.result = "success"
        try:
            self._runtime_folder()
        except (OSError, KeyError) as error:
            return self._failed("resources", f"RuntimeDirectory cannot be made: {error}")
        return self._run_all(list(self.unit.all("ExecStartPre")), self._prepared)

    def _prepared(self, error):
        if self.state != "activating":
            return
        if error:
            self._failed("timeout" if error == "timeout" else "exit-code", f"ExecStartPre failed: {error}")
            return
        extra = {}
        if self.unit.get("Type") == "notify":
            self.readiness = Readiness(self.loop, os.path.join(self.run_folder, f"{self.unit.name}.notify"), self._ready)
            extra = {"NOTIFY_SOCKET": self.readiness.path}
        try:
            self.main_pid = self._spawn(command(self.unit, self.unit.all("ExecStart")[0]), self._main_ended, extra)
        except (OSError, ValueError, KeyError) as problem:
            self._failed("resources", f"cannot be run: {problem}")
            return
        self.session = self.main_pid
        if not self.readiness:
            self._started()
            return
        self._become("activating", "start")
        limit = self.unit.seconds("TimeoutStartSec", DEFAULT_TIMEOUT_S)
        if limit:
            self.timer = self.loop.later(limit, self._start_timed_out)

    def _ready(self, pid):
        if pid == self.main_pid and self.sub == "start":
            self._started()

    def _started(self):
        self._cancel_timer()
        self._become("active", "running")
        self._say("Started")
        self._answer(self.starting, None)

    def _start_timed_out(self):
        self._say("is not ready in time; stopping it", error=True)
        self._answer(self.starting, f"{self.unit.name} was not ready within its TimeoutStartSec; see: journalctl -u {self.unit.name} -n 50")
        self._begin_stop("timeout")

    # End.

    def _main_ended(self, status):
        self.main_pid = None
        if self.state == "deactivating":
            self._look()
            return
        self._say(f"Main process exited, {describe(status)}", error=True)
        self._cancel_timer()
        self._close_readiness()
        self._kill_rest()
        # A unit that never became ready has failed, however its process ended.
        result = result_of(status) if self.state == "active" else (result_of(status) if result_of(status) != "success" else "protocol")
        self._over(result, status)

    def _over(self, result, status=None):
        """After an end that nobody asked for."""
        self.result = result
        if starts_again(self.unit, result, status) and result != "start-limit-hit":
            self._answer(self.starting, self._trouble("failed"))
            self.restarts += 1
            self._become("activating", "auto-restart")
            self.timer = self.loop.later(self.unit.seconds("RestartSec", DEFAULT_RESTART_S) or 0, self._begin)
        elif result == "success":
            self._settle("inactive", "dead")
        else:
            self._settle("failed", "failed")

    def _failed(self, result, text):
        self._say(text, error=True)
        self._close_readiness()
        self._answer(self.starting, self._trouble(text))
        self._over(result)

    def _begin_stop(self, result):
        self._cancel_timer()
        self.result = result
        self._become("deactivating", "stop-sigterm")
        mode = self.unit.get("KillMode", "control-group")
        number = signal_number(self.unit.get("KillSignal", "SIGTERM"))
        if mode == "control-group":
            self.kill(number, "all")
        elif mode != "none" and self.main_pid:
            send(self.main_pid, number)
        if self.control_pid:
            send(self.control_pid, signal.SIGTERM)
        limit = self.unit.seconds("TimeoutStopSec", DEFAULT_TIMEOUT_S)
        if limit is not None:
            self.timer = self.loop.later(limit, self._stop_timed_out)
        self._look()

    def _stop_timed_out(self):
        self._say("does not stop in time; killing it", error=True)
        self.result = "timeout"
        self.sub = "stop-sigkill"
        for pid in {self.main_pid, self.control_pid} - {None}:
            send(pid, signal.SIGKILL)
        self._kill_rest()

    def _look(self):
        """Whether a stop is complete."""
        if self.state != "deactivating" or self.main_pid or self.control_pid:
            return
        mode = self.unit.get("KillMode", "control-group")
        if self.session and mode == "mixed":
            self._kill_rest()
        if self.session and mode in ("control-group", "mixed") and session_members(self.session):
            self.loop.later(LOOK_S, self._look)
            return
        self._cancel_timer()
        self._close_readiness()
        if self.stopping:
            self._say("Stopped")
            self._settle("inactive" if self.result == "success" else "failed", "dead" if self.result == "success" else "failed")
        else:
            self._over(self.result)

    def _kill_rest(self):
        if self.session and self.unit.get("KillMode", "control-group") in ("control-group", "mixed"):
            for pid in session_members(self.session):
                if pid != self.main_pid:
                    send(pid, signal.SIGKILL)

    def _settle(self, state, sub):
        self._cancel_timer()
        self.main_pid = self.control_pid = None
        self._become(state, sub)
        again, self.start_after_stop = self.start_after_stop, False
        self._answer(self.stopping, None)
        if again:
            self._begin()
        elif self.state in ("inactive", "failed"):
            self._answer(self.starting, self._trouble("ended before it had started"))

    # Small things.

    def _run_all(self, lines, done):
        """Runs commands one after the other, each within TimeoutStartSec; done(None), or done(what failed)."""
        if not lines:
            done(None)
            return
        try:
            its = command(self.unit, lines[0], self.main_pid)
        except (OSError, ValueError, KeyError) as problem:
            done(str(problem))
            return
        timer, timed_out = None, False

        def late():
            nonlocal timed_out
            timed_out = True
            self._say(f"{lines[0]} does not end in time; killing it", error=True)
            for pid in session_members(pid_of_command):
                send(pid, signal.SIGKILL)

        def ended(status):
            if timer:
                timer.cancel()
            self.control_pid = None
            if self.state == "deactivating":
                self._look()
            elif timed_out:
                done("timeout")
            elif os.waitstatus_to_exitcode(status) != 0 and not its.may_fail:
                done(f"{lines[0]}: {describe(status)}")
            else:
                self._run_all(lines[1:], done)

        try:
            self.control_pid = pid_of_command = self._spawn(its, ended)
        except OSError as problem:
            if its.may_fail:
                self._run_all(lines[1:], done)
            else:
                done(str(problem))
            return
        limit = self.unit.seconds("TimeoutStartSec", DEFAULT_TIMEOUT_S)
        if limit:
            timer = self.loop.later(limit, late)

    def _spawn(self, its, ended, extra=None):
        output = collect(self.loop, self.journal, os.path.basename(self.unit.name.removesuffix(".service")))
        try:
            return self.loop.spawn(its, output, ended, extra)
        finally:
            os.close(output)

    def _runtime_folder(self):
        for name in self.unit.get("RuntimeDirectory").split():
            path = os.path.join("/run", name)
            os.makedirs(path, mode=0o755, exist_ok=True)
            if self.unit.get("User"):
                owner = pwd.getpwnam(self.unit.get("User"))
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def _close_readiness(self):
        if self.readiness:
            self.readiness.close()
            self.readiness = None

    def _become(self, state, sub):
        if state != self.state:
            self.since = time.time()
        self.state, self.sub = state, sub

    def _cancel_timer(self):
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def _answer(self, waiting, error):
        callbacks = waiting[:]
        waiting.clear()
        for done in callbacks:
            done(error)

    def _trouble(self, text):
        return f"{self.unit.name}: {text}; see: journalctl -u {self.unit.name.removesuffix('.service')} -n 50"

    def _say(self, text, error=False):
        subject = self.unit.name if error else f"{self.unit.name}{' - ' + self.unit.get('Description') if self.unit.get('Description') else ''}"
        self.journal.write("lab-node", (f"{subject}: {text}" if error else f"{text} {subject}").encode())
