import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConsulTrust, COPY } from "../../constructs/cluster/consul-trust";
import { cluster, one, synthesize } from "./cluster";

const { env, server1, server2, witness } = cluster();

test("runs again for another machine, and carries no content of the files", () => {
  const { resource } = synthesize((stack) => void new ConsulTrust(stack, "trust", { env, from: [server1, server2], to: witness, machineId: "machine-1", dependsOn: [] }));
  const { triggers_replace, provisioner } = one(resource, "terraform_data", "trust_delivery") as { triggers_replace: unknown; provisioner: [{ "local-exec": { command: string; environment: Record<string, string> } }] };
  expect(triggers_replace).toEqual({ machine: "machine-1", files: "/etc/consul.d/gossip.key /etc/consul.d/ca.pem" });
  const { SCRIPT, ...settings } = provisioner[0]["local-exec"].environment;
  expect(SCRIPT).toBe(COPY);
  expect(settings).toEqual({
    FROM: "server-1 22 deploy@100.64.0.11\nserver-2 22 deploy@100.64.0.12",
    TO: "witness 22 root@100.64.0.13",
    KNOWN_HOSTS: [server1, server2, witness].map(({ name, ssh }) => `${name} ${ssh.hostKey}`).join("\n"),
    FILES: "/etc/consul.d/gossip.key\n/etc/consul.d/ca.pem",
  });
});

describe("the copy", () => {
  const root = mkdtempSync(join(tmpdir(), "trust-"));
  afterAll(() => rmSync(root, { recursive: true }));

  /** ssh, played: each login has a folder of its own in which /etc lies; the command runs in a real shell. */
  const tool = (name: string, body: string): void => {
    mkdirSync(join(root, "bin"), { recursive: true });
    writeFileSync(join(root, "bin", name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(root, "bin", name), 0o755);
  };
  tool("ssh", `
echo "$*" >>"${root}/arguments"
known=$(printf '%s\\n' "$@" | sed -n 's/^UserKnownHostsFile=//p')
cp "$known" "${root}/known"
for argument; do login=$command; command=$argument; done
[ -d "${root}/$login" ] || exit 255
printf '%s' "$command" | sed "s#/etc/#${root}/$login/etc/#g" >"${root}/command"
exec sh "${root}/command"`);
  tool("sudo", '[ "$1" = -n ] && shift\nexec "$@"');
  tool("sleep", ":");

  const file = (login: string, content: string): void => {
    mkdirSync(join(root, login, "etc/consul.d"), { recursive: true });
    writeFileSync(join(root, login, "etc/consul.d/gossip.key"), content);
  };
  const run = () => {
    rmSync(join(root, "arguments"), { force: true });
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", 'eval "$SCRIPT"'], {
      encoding: "utf8",
      env: { PATH: `${join(root, "bin")}:/usr/bin:/bin`, SCRIPT: COPY, FROM: "server-1 22 deploy@one\nserver-2 2202 deploy@two", TO: "witness 22 root@three", KNOWN_HOSTS: "server-1 key-1\nserver-2 key-2\nwitness key-3", FILES: "/etc/consul.d/gossip.key" },
    });
    return { status, output: stdout + stderr, arguments: readFileSync(join(root, "arguments"), "utf8") };
  };
  const received = join(root, "root@three/etc/consul.d/gossip.key");

  test("nobody has the file: the message names it and who was asked", () => {
    mkdirSync(join(root, "root@three"));
    const { status, output } = run();
    expect(status).toBe(1);
    expect(output).toMatch(/none of the nodes gives \/etc\/consul\.d\/gossip\.key[\s\S]*server-1 22 deploy@one\nserver-2 2202 deploy@two/);
    expect(existsSync(received)).toBe(false);
  });

  test("the first node that has the file gives it; it is in nobody's arguments and in no output", () => {
    file("deploy@two", "SECRET-GOSSIP=\n");
    const { status, output, arguments: passed } = run();
    expect([status, output]).toEqual([0, "witness has /etc/consul.d/gossip.key\n"]);
    expect(readFileSync(received, "utf8")).toBe("SECRET-GOSSIP=\n");
    expect(statSync(received).mode & 0o777).toBe(0o640);
    expect(output + passed).not.toContain("SECRET");
  });

  test("every connection is checked against the pinned keys, and asks nobody anything", () => {
    const { arguments: passed } = run();
    for (const line of passed.trim().split("\n").filter((l) => l.startsWith("-o"))) {
      expect(line).toMatch(/-o BatchMode=yes .*-o StrictHostKeyChecking=yes -o UserKnownHostsFile=\S+ -o GlobalKnownHostsFile=\/dev\/null -o HostKeyAlias=(server-1|server-2|witness) -p (22|2202) /);
    }
    expect(readFileSync(join(root, "known"), "utf8")).toBe("server-1 key-1\nserver-2 key-2\nwitness key-3\n");
  });

  test("a machine that does not take it in five minutes is reported", () => {
    rmSync(join(root, "root@three"), { recursive: true });
    const { status, output, arguments: passed } = run();
    expect(status).toBe(1);
    expect(output).toMatch(/witness does not take \/etc\/consul\.d\/gossip\.key over SSH \(root@three, port 22\)/);
    expect(passed.match(/HostKeyAlias=witness/g)).toHaveLength(21);
  });
});
