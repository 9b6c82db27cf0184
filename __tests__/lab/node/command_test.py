import getpass
import subprocess
import tempfile
import unittest

from command import command, environment, words
from unit_file import parse


def unit(text=""):
    return parse("a.service", "[Service]\nExecStart=/bin/true\n" + text)


class Words(unittest.TestCase):
    def test_quotes_variables_and_specifiers(self):
        variables = {"MAINPID": "42", "OPTS": "-a -b", "_UNIT": "a.service"}
        for line, expected in {
            "/bin/sh -c 'until x; do sleep 1; done'": ["/bin/sh", "-c", "until x; do sleep 1; done"],
            "/bin/kill -HUP $MAINPID": ["/bin/kill", "-HUP", "42"],
            "/bin/x $OPTS ${OPTS} pid=${MAINPID}": ["/bin/x", "-a", "-b", "-a -b", "pid=42"],
            "/bin/x $UNSET %n 100%% $$HOME": ["/bin/x", "a.service", "100%", "$HOME"],
        }.items():
            with self.subTest(line):
                self.assertEqual(words(line, variables), expected)


class Command(unittest.TestCase):
    def test_a_plain_unit_runs_as_it_is(self):
        its = command(unit(), "/bin/true -x")
        self.assertEqual((its.argv, its.may_fail), (["/bin/true", "-x"], False))

    def test_minus_admits_failure_and_plus_keeps_root(self):
        its = command(unit("User=root\n"), "-+/bin/true")
        self.assertEqual((its.argv, its.may_fail), (["/bin/true"], True))

    def test_user_and_capabilities(self):
        its = command(unit("User=root\nGroup=root\nAmbientCapabilities=CAP_NET_BIND_SERVICE\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\nNoNewPrivileges=yes\n"), "/bin/true")
        caps = "-all,+net_bind_service"
        self.assertEqual(its.argv, ["setpriv", "--reuid=root", "--regid=root", "--init-groups", f"--inh-caps={caps}", f"--ambient-caps={caps}", f"--bounding-set={caps}", "--no-new-privs", "--", "/bin/true"])

    def test_a_user_that_does_not_exist_is_an_error(self):
        with self.assertRaises(KeyError):
            command(unit("User=nobody-of-this-name\n"), "/bin/true")

    def test_protections_are_a_mount_namespace_before_the_privileges_go(self):
        argv = command(unit("User=root\nProtectSystem=full\nProtectHome=yes\n"), "/bin/true").argv
        self.assertEqual(argv[:2], ["unshare", "--mount"])
        script = argv[argv.index("-ec") + 1]
        self.assertEqual(subprocess.run(["sh", "-n", "-c", script], check=False).returncode, 0)
        for path in ("/usr", "/etc"):
            self.assertIn(f"mount --bind -o ro {path} {path}", script)
        self.assertIn("tmpfs /root", script)
        self.assertLess(argv.index("sh"), argv.index("setpriv"))

    def test_limits_and_oom_score(self):
        its = command(unit("LimitNOFILE=65536\nLimitNPROC=infinity\nOOMScoreAdjust=-900\n"), "/bin/true")
        self.assertEqual((its.limits, its.oom_score_adjust), ({"LimitNOFILE": "65536", "LimitNPROC": "infinity"}, -900))


class Environment(unittest.TestCase):
    def test_nothing_of_the_container_is_in_it(self):
        self.assertEqual(set(environment(unit())), {"PATH", "LANG"})

    def test_a_unit_with_a_user_has_its_names(self):
        its = environment(unit(f"User={getpass.getuser()}\n"))
        self.assertEqual(its["USER"], getpass.getuser())
        self.assertIn("HOME", its)

    def test_own_variables_and_those_of_a_file(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("# comment\nB=\"two words\"\n")
            file.flush()
            its = environment(unit(f'Environment=A=1 "C=x y"\nEnvironmentFile={file.name}\nEnvironmentFile=-/does/not/exist\n'))
        self.assertEqual((its["A"], its["B"], its["C"]), ("1", "two words", "x y"))

    def test_a_missing_file_is_an_error(self):
        with self.assertRaises(FileNotFoundError):
            environment(unit("EnvironmentFile=/does/not/exist\n"))


if __name__ == "__main__":
    unittest.main()
