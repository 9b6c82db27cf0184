"""The service manager with real processes, in a folder of its own."""
import contextlib
import os
import sys
import tempfile
import time
import unittest
from pathlib import Path

import enablement
import output
from loop import Loop
from manager import Manager
from places import Places
from processes import session_members

# A busy machine must not fail a test; nothing here takes a second by itself unless it says so.
PATIENCE_S = 15


class ManagerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.places = Places(units=f"{folder.name}/units", run=f"{folder.name}/run", logs=f"{folder.name}/logs")
        for path in (self.places.units, self.places.run):
            os.makedirs(path)
        self.echoed = []
        self.loop = Loop()
        self.manager = Manager(self.loop, self.places, self.echoed.append)
        self.manager.phase = "running"
        self.addCleanup(self.kill_all)

    def kill_all(self):
        for service in self.manager.services.values():
            for pid in session_members(service.session) if service.session else []:
                # One that has just ended by itself is as good.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, 9)
            service.journal.file.close()

    def unit(self, name, script, more="", section=""):
        """A unit that runs a shell script."""
        path = self.folder / f"{name}.sh"
        path.write_text(script)
        Path(self.places.units, f"{name}.service").write_text(f"[Unit]\nDescription=unit {name}\n{section}\n[Service]\nExecStart=/bin/sh {path}\n{more}\n[Install]\nWantedBy=multi-user.target\n")

    def until(self, true, what):
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            self.assertLess(time.monotonic(), deadline, f"never: {what}")
            self.loop.step(0.05)

    def ask(self, verb, *units, **more):
        answers = []
        self.manager.handle({"verb": verb, "units": list(units), **more}, lambda *answer: answers.append(answer))
        self.until(lambda: answers, f"an answer to {verb}")
        return answers[0]

    def code(self, verb, *units, **more):
        return self.ask(verb, *units, **more)[0]

    def service(self, name):
        return self.manager.service(name)

    def log(self, name):
        return Path(self.places.logs, f"{name}.log").read_text()

    def test_start_status_stop(self):
        self.unit("a", "echo hello; exec sleep 100")
        self.assertEqual([self.code("is-active", "a"), self.code("status", "a")], [3, 3])
        self.assertEqual(self.ask("start", "a"), (0, "", ""))
        self.assertEqual(self.ask("is-active", "a"), (0, "active", ""))
        self.until(lambda: "a: hello" in self.log("a"), "its output in the log")
        self.assertIn(b"a: hello\n", self.echoed)
        self.assertEqual(self.code("start", "a"), 0)
        self.assertEqual(self.code("stop", "a"), 0)
        self.assertEqual(self.ask("is-active", "a"), (3, "inactive", ""))

    def test_restart_is_another_process(self):
        self.unit("a", "exec sleep 100")
        self.assertEqual(self.code("restart", "a"), 0)
        first = self.service("a").main_pid
        self.assertEqual(self.code("restart", "a"), 0)
        self.assertNotEqual(self.service("a").main_pid, first)

    def test_units_that_do_not_exist_or_cannot_be_run(self):
        Path(self.places.units, "bad.service").write_text("[Service]\nType=forking\nExecStart=/bin/true\n")
        self.assertEqual(self.code("start", "none"), 5)
        self.assertEqual(self.code("is-active", "none"), 3)
        code, _, error = self.ask("start", "bad")
        self.assertEqual(code, 1)
        self.assertIn("Type=forking is not supported", error)

    def test_a_start_that_fails_says_so(self):
        for name, lines, told in (
            ("pre", "ExecStartPre=/bin/sh -c 'exit 3'", "status=3"),
            ("late", "ExecStartPre=/bin/sh -c 'sleep 100'\nTimeoutStartSec=200ms", "timeout"),
            ("folder", "WorkingDirectory=/does/not/exist", "No such file"),
            ("user", "User=nobody-of-this-name", "nobody-of-this-name"),
            ("silent", "Type=notify\nTimeoutStartSec=200ms\nTimeoutStopSec=1", "was not ready"),
        ):
            with self.subTest(name):
                self.unit(name, "exec sleep 100", lines)
                code, _, error = self.ask("restart", name)
                self.assertEqual(code, 1)
                self.assertIn(told, error)
                self.until(lambda: self.service(name).state == "failed", "failed")
                self.assertEqual(self.code("is-failed", name), 0)

    def test_a_failing_command_with_a_minus_does_not_matter(self):
        self.unit("a", "exec sleep 100", "ExecStartPre=-/bin/false\nExecStartPre=-/does/not/exist")
        self.assertEqual(self.code("start", "a"), 0)

    def test_restart_on_failure_and_not_after_success(self):
        count = self.folder / "count"
        self.unit("a", f"echo x >>{count}; [ $(wc -l <{count}) -ge 3 ] || exit 1", "Restart=on-failure\nRestartSec=50ms")
        self.assertEqual(self.code("start", "a"), 0)
        self.until(lambda: self.service("a").state == "inactive", "ended well the third time")
        self.assertEqual(count.read_text().count("x"), 3)
        self.assertEqual(self.service("a").restarts, 2)

    def test_one_killed_from_outside_comes_back(self):
        self.unit("a", "exec sleep 100", "Restart=on-failure\nRestartSec=50ms")
        self.code("start", "a")
        first = self.service("a").main_pid
        self.assertEqual(self.code("kill", "a", signal="KILL", whom="main"), 0)
        self.until(lambda: self.service("a").state == "active" and self.service("a").main_pid != first, "runs again")
        self.assertIn("code=killed, status=9/KILL", self.log("a"))

    def test_a_stop_while_it_waits_for_its_restart_is_the_end(self):
        self.unit("a", "exit 1", "Restart=always\nRestartSec=100")
        self.code("start", "a")
        self.until(lambda: self.service("a").sub == "auto-restart", "waits")
        self.assertEqual(self.ask("is-active", "a"), (3, "activating", ""))
        self.assertEqual(self.code("stop", "a"), 0)
        self.assertEqual(self.service("a").state, "inactive")

    def test_too_many_starts_are_a_failure_until_it_is_reset(self):
        self.unit("a", "exit 1", "Restart=always\nRestartSec=10ms\nStartLimitBurst=2")
        self.code("start", "a")
        self.until(lambda: self.service("a").state == "failed", "given up")
        code, _, error = self.ask("start", "a")
        self.assertEqual(code, 1)
        self.assertIn("reset-failed", error)
        self.assertEqual(self.code("reset-failed", "a"), 0)
        self.assertEqual(self.code("start", "a"), 0)

    def test_kill_mode_process_leaves_the_others_and_control_group_does_not(self):
        for mode, left in (("process", 1), ("control-group", 0), ("mixed", 0)):
            with self.subTest(mode):
                self.unit(mode, "sleep 100 & exec sleep 200", f"KillMode={mode}")
                self.code("start", mode)
                service = self.service(mode)
                self.until(lambda: len(session_members(service.session)) == 2, "two processes")
                self.assertEqual(self.code("stop", mode), 0)
                self.assertEqual(len(session_members(service.session)), left)

    def test_kill_signal(self):
        self.unit("a", "trap 'echo interrupted; exit 0' INT; echo ready; while :; do sleep 0.05; done", "KillSignal=SIGINT")
        self.code("start", "a")
        self.until(lambda: "ready" in self.log("a"), "ready")
        self.assertEqual(self.code("stop", "a"), 0)
        self.until(lambda: "interrupted" in self.log("a"), "it was interrupted")

    def test_one_that_does_not_stop_is_killed_in_time(self):
        self.unit("a", "trap '' TERM; echo ready; while :; do sleep 0.05; done", "TimeoutStopSec=300ms")
        self.code("start", "a")
        self.until(lambda: "ready" in self.log("a"), "ready")
        self.assertEqual(self.code("stop", "a"), 0)
        self.assertEqual(self.service("a").state, "failed")
        self.assertEqual(session_members(self.service("a").session), [])

    def test_a_stop_ends_a_start_that_still_waits(self):
        self.unit("a", "exec sleep 100", "ExecStartPre=/bin/sh -c 'until false; do sleep 0.1; done'")
        answers = []
        self.manager.handle({"verb": "start", "units": ["a"]}, lambda *answer: answers.append(answer))
        self.assertEqual(self.ask("is-active", "a"), (3, "activating", ""))
        self.assertEqual(self.code("stop", "a"), 0)
        self.assertEqual(answers[0][0], 1)
        self.assertIn("cancelled", answers[0][2])

    def test_reload_runs_its_commands(self):
        self.unit("a", "trap 'echo reloaded' HUP; echo ready; while :; do sleep 0.05; done", "ExecReload=/bin/kill -HUP $MAINPID")
        self.assertEqual(self.code("reload", "a"), 1)
        self.code("start", "a")
        self.until(lambda: "ready" in self.log("a"), "ready")
        self.assertEqual(self.code("reload", "a"), 0)
        self.until(lambda: "reloaded" in self.log("a"), "reloaded")

    def test_one_that_tells_when_it_is_ready(self):
        path = self.folder / "ready.py"
        path.write_text("import os, socket, time\ntime.sleep(0.3)\nsocket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'STATUS=x\\nREADY=1', os.environ['NOTIFY_SOCKET'])\ntime.sleep(100)\n")
        self.unit("a", f"exec {sys.executable} {path}", "Type=notify")
        answers = []
        self.manager.handle({"verb": "start", "units": ["a"]}, lambda *answer: answers.append(answer))
        self.assertEqual(self.ask("is-active", "a"), (3, "activating", ""))
        self.until(lambda: answers, "ready")
        self.assertEqual((answers[0][0], self.service("a").state), (0, "active"))

    def test_daemon_reload_takes_what_was_written(self):
        self.unit("a", "exec sleep 100", "TimeoutStopSec=1")
        self.code("start", "a")
        self.unit("a", "exec sleep 100", "TimeoutStopSec=2\nPrivateTmp=yes")
        self.assertEqual(self.service("a").unit.get("TimeoutStopSec"), "1")
        self.assertEqual(self.code("daemon-reload"), 0)
        self.assertEqual(self.service("a").unit.get("TimeoutStopSec"), "2")
        self.assertEqual(self.service("a").state, "active")
        self.assertIn("PrivateTmp", self.ask("status", "a")[1])

    def test_enabled_units_start_in_their_order_and_stop_in_the_reverse(self):
        for name, after in (("b", ""), ("a", "After=b.service not-there.service")):
            self.unit(name, "exec sleep 100", "ExecStartPre=/bin/sleep 0.2", after)
        self.unit("c", "exec sleep 100")
        self.assertEqual(self.code("enable", "a", "b"), 0)
        self.assertEqual(enablement.enabled(self.places.units), ["a.service", "b.service"])
        self.assertEqual([self.code("is-enabled", "a"), self.code("is-enabled", "c")], [0, 1])
        self.manager.phase = "starting"
        self.manager.boot()
        self.assertEqual(self.ask("is-system-running"), (1, "starting", ""))
        self.until(lambda: self.manager.phase == "running", "booted")
        self.assertEqual(self.ask("is-system-running"), (0, "running", ""))
        done = []
        self.manager.shut_down(10, lambda: done.append(True))
        self.assertEqual(self.code("start", "c"), 1)
        self.until(lambda: done, "all stopped")
        order = [line.decode().split(" ")[1:3] for line in self.echoed if b"Started" in line or b"Stopped" in line]
        self.assertEqual(order, [["Started", "b.service"], ["Started", "a.service"], ["Stopped", "a.service"], ["Stopped", "b.service"]])
        self.assertEqual(self.code("disable", "a"), 0)
        self.assertEqual(enablement.enabled(self.places.units), ["b.service"])

    def test_the_end_does_not_wait_for_one_that_does_not_stop(self):
        self.unit("a", "trap '' TERM; echo ready; while :; do sleep 0.05; done")
        self.code("start", "a")
        self.until(lambda: "ready" in self.log("a"), "ready")
        done, begun = [], time.monotonic()
        self.manager.shut_down(0.3, lambda: done.append(True))
        self.until(lambda: done, "given up")
        self.assertLess(time.monotonic() - begun, PATIENCE_S / 2)

    def test_logs_are_rotated(self):
        journal = output.Journal(self.places.logs, "big.service", "here", lambda _: None)
        line = b"x" * 1024
        for _ in range(3 * output.ROTATE_AT_BYTES // len(line)):
            journal.write("big", line)
        journal.file.close()
        sizes = {path.name: path.stat().st_size for path in Path(self.places.logs).glob("big.log*")}
        self.assertEqual(set(sizes), {"big.log", "big.log.1"})
        self.assertLess(max(sizes.values()), output.ROTATE_AT_BYTES + 2048)


if __name__ == "__main__":
    unittest.main()
