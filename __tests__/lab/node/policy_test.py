import unittest

from cgroups import hierarchies
from policy import StartLimit, result_of, starts_again
from processes import describe
from unit_file import parse

# Wait statuses: exit codes are in the high byte, signals in the low one.
EXITED = {code: code << 8 for code in (0, 1, 255)}
HUP, INT, KILL, TERM, SEGV_WITH_CORE = 1, 2, 9, 15, 11 | 0x80


def unit(text):
    return parse("a.service", f"[Unit]\n{text}\n[Service]\nExecStart=/bin/true\n")


class Restart(unittest.TestCase):
    def test_how_it_ended(self):
        self.assertEqual([result_of(status) for status in (EXITED[0], EXITED[1], INT, TERM, HUP, KILL, SEGV_WITH_CORE)], ["success", "exit-code", "success", "success", "success", "signal", "core-dump"])
        self.assertEqual([describe(EXITED[1]), describe(KILL)], ["code=exited, status=1", "code=killed, status=9/KILL"])

    def test_table_of_systemd_service_5(self):
        results = ("success", "exit-code", "signal", "timeout")
        for policy, expected in {
            "no": (False, False, False, False),
            "always": (True, True, True, True),
            "on-success": (True, False, False, False),
            "on-failure": (False, True, True, True),
            "on-abnormal": (False, False, True, True),
            "on-abort": (False, False, True, False),
        }.items():
            with self.subTest(policy):
                self.assertEqual(tuple(starts_again(unit(f"Restart={policy}"), result) for result in results), expected)

    def test_exit_codes_that_are_final(self):
        its = unit("Restart=on-failure\nRestartPreventExitStatus=255 3")
        self.assertFalse(starts_again(its, "exit-code", EXITED[255]))
        self.assertTrue(starts_again(its, "exit-code", EXITED[1]))


class Limit(unittest.TestCase):
    def test_five_in_ten_seconds_by_default(self):
        limit, its = StartLimit(), unit("")
        self.assertEqual([limit.admits(its, second) for second in (0, 1, 2, 3, 4, 5, 10.5)], [True] * 5 + [False, True])

    def test_an_interval_of_zero_is_no_limit(self):
        limit, its = StartLimit(), unit("StartLimitIntervalSec=0")
        self.assertTrue(all(limit.admits(its, 0) for _ in range(100)))

    def test_reset_forgets(self):
        limit, its = StartLimit(), unit("StartLimitBurst=1")
        self.assertEqual([limit.admits(its, 0), limit.admits(its, 0)], [True, False])
        limit.forget()
        self.assertTrue(limit.admits(its, 0))


class Cgroups(unittest.TestCase):
    def test_version_2_is_one_tree(self):
        self.assertEqual(hierarchies("0::/\n"), [("", "cgroup2", "")])

    def test_version_1_is_one_for_each_line(self):
        self.assertEqual(
            hierarchies("4:cpu,cpuacct:/\n3:memory:/\n1:name=systemd:/\n0::/\n"),
            [("cpu,cpuacct", "cgroup", "cpu,cpuacct"), ("memory", "cgroup", "memory"), ("systemd", "cgroup", "none,name=systemd"), ("unified", "cgroup2", "")],
        )


if __name__ == "__main__":
    unittest.main()
