import tempfile
import unittest
from pathlib import Path

from unit_file import UnitError, load, parse, parse_seconds

MINIMAL = "[Service]\nExecStart=/bin/true\n"


class Parse(unittest.TestCase):
    def test_lists_grow_and_an_empty_assignment_takes_them_back(self):
        unit = parse("a.service", MINIMAL + "ExecStartPre=/bin/a\nExecStartPre=/bin/b\n")
        self.assertEqual(unit.all("ExecStartPre"), ["/bin/a", "/bin/b"])
        unit = parse("a.service", MINIMAL + "ExecStartPre=/bin/a\nExecStartPre=\nExecStartPre=/bin/c\n")
        self.assertEqual(unit.all("ExecStartPre"), ["/bin/c"])

    def test_after_is_a_list_of_names(self):
        self.assertEqual(parse("a.service", "[Unit]\nAfter=b.service c.service\n" + MINIMAL).all("After"), ["b.service", "c.service"])

    def test_comments_and_continued_lines(self):
        unit = parse("a.service", "# x\n; y\n[Service]\nExecStart=/bin/echo one \\\n# not part of it\n  two\n")
        self.assertEqual(unit.all("ExecStart")[0].split(), ["/bin/echo", "one", "two"])

    def test_what_is_not_known_is_told(self):
        self.assertEqual(parse("a.service", MINIMAL + "PrivateTmp=yes\nDocumentation=x\n").unknown, ["PrivateTmp"])

    def test_values_that_would_run_otherwise_than_meant_are_refused(self):
        for line in ("Type=forking", "KillMode=all", "Restart=sometimes", "RestartSec=soon", "ExecStart=/bin/second"):
            with self.subTest(line), self.assertRaises(UnitError):
                parse("a.service", MINIMAL + line + "\n")

    def test_a_unit_without_a_program_is_refused(self):
        with self.assertRaisesRegex(UnitError, "0 ExecStart lines"):
            parse("a.service", "[Unit]\nDescription=a\n")

    def test_an_alias_is_the_unit_it_points_to(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "ssh.service").write_text(MINIMAL)
            Path(folder, "sshd.service").symlink_to(Path(folder, "ssh.service"))
            self.assertEqual(load(folder, "sshd").name, "ssh.service")


class Seconds(unittest.TestCase):
    def test_spans(self):
        for text, seconds in {"90": 90, "5min 20s": 320, "500ms": 0.5, "1h": 3600, "infinity": None}.items():
            with self.subTest(text):
                self.assertEqual(parse_seconds(text), seconds)

    def test_what_is_no_span(self):
        for text in ("", "soon", "5 parsecs"):
            with self.subTest(text), self.assertRaises(UnitError):
                parse_seconds(text)

    def test_timeout_sec_stands_for_both(self):
        unit = parse("a.service", MINIMAL + "TimeoutSec=7\nTimeoutStopSec=3\n")
        self.assertEqual([unit.seconds("TimeoutStartSec", 90), unit.seconds("TimeoutStopSec", 90), unit.seconds("RestartSec", 0.1)], [7, 3, 0.1])


if __name__ == "__main__":
    unittest.main()
